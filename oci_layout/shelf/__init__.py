"""Many sources at once: a shelf."""
