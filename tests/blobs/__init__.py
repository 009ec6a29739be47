"""Tests of the work on blobs."""
