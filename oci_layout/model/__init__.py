"""Documents: bytes in, values out, bytes back. No input, no output, no decisions."""
