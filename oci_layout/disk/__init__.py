"""The disk: the one place that decides what may be written, replaced or removed."""
