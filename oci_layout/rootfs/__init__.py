"""The merged file system of an image: its layers read from the top down, and nothing kept."""
