"""Signatures of images and what is signed with them: read, and checked against what is trusted."""
