"""What engines make of a source: who loads it, under which names, as which image ID."""
