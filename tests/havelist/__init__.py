"""Tests of what the other side has."""
