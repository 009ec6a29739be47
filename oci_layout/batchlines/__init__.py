"""The lines of JSON that a batch writes, one for each source: their form, written and read."""
