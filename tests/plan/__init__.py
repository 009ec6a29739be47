"""Tests of plans: selection, conversion, report."""
