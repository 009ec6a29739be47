"""Tests of rootfs."""
