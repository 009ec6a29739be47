"""``python -m oci_layout``."""

from oci_layout.cli.start import run

if __name__ == "__main__":
    run()
