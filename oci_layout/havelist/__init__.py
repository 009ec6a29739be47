"""What the other side has: images and blobs, without their bytes."""
