"""Sources: any input on disk, opened as a store of members, read through its views as images."""
