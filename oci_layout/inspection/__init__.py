"""Inspection: what a source holds, as data for people and programs. No layer is read."""
