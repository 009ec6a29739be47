"""Bytes: readers, hashing, compression, the tar format. Nothing here knows what an image is."""
