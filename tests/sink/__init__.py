"""Tests of sinks: what is written, and what is left after failures."""
