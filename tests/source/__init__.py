"""Tests of sources: every form of saved image."""
