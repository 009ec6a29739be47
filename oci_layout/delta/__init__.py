"""Deltas: one tar told as the difference from others, and put together again (docs/delta.md)."""
