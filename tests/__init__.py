"""The tests of oci_layout."""
