"""The work on blobs: read once, checked. Sinks write what it gives; verify only looks."""
