"""Container images across formats, offline."""
