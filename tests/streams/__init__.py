"""Tests of the bytes: compression, tar, readers."""
