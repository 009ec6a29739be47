"""Random archives by a grammar: what check says of them is held against engines."""
