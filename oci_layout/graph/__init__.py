"""The image graph: nodes, the one walk over them, and the rules that read it."""
