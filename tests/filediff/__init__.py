"""Tests of two lists of files."""
