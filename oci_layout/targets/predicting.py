"""What one target makes of a source, by the reader that follows it."""

from __future__ import annotations

from oci_layout.platform import Platform
from oci_layout.targets import containerd, containersimage, docker
from oci_layout.targets.answer import Prediction
from oci_layout.targets.facts import Facts
from oci_layout.targets.target import Target
from oci_layout.targets.traits import TRAITS

_TWO_STORES = (29,)  # from here on a new installation has the store of containerd


def predict(facts: Facts, target: Target, platform: Platform) -> tuple[Prediction, str]:
    """What comes of loading, and the transport it is read by; empty where there is none.

    Args:
        facts: the source.
        target: who loads it.
        platform: of its host.
    """
    if facts.source.folder:
        inside = f"all of it lies in the folder {facts.source.folder!r}"
        return Prediction().fail("in-folder", inside), ""
    if target.name == "docker" and not target.containerd_store:
        reading = docker.read(facts, target, platform)
        reading.settle_names()
        if target.version >= _TWO_STORES:
            reading.note("image-store", "predicted is the classic one; +containerd asks the other")
        return reading, ""
    if target.name in TRAITS:
        reading, transport = containersimage.read(facts, target, platform)
        reading.settle_names()
        return reading, transport
    return containerd.read(facts, target, platform), ""
