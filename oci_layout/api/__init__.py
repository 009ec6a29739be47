"""What the package does, in calls: the only place that joins the wings."""

from oci_layout.api.checking import check
from oci_layout.api.conversion import merge, repack
from oci_layout.api.inspection import inspect, inspect_raw
from oci_layout.api.verification import verify
from oci_layout.api.words import Progress

__all__ = ["Progress", "check", "inspect", "inspect_raw", "merge", "repack", "verify"]
