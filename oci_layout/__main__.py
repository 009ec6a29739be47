"""``python -m oci_layout``."""

from oci_layout.cli.main import run

if __name__ == "__main__":
    run()
