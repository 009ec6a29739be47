"""Comparison: are these the same image, and if not, which bytes made the digests differ."""
