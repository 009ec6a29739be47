"""Verification: everything a source says, held against everything it holds."""
