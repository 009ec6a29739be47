"""``manifest.json`` of the result: for each name one platform; old engines read nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oci_layout.counting import plural
from oci_layout.errors import SelectionError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import images
from oci_layout.mediatype import Family
from oci_layout.model import dockersave
from oci_layout.plan import naming
from oci_layout.plan.convert import Converted
from oci_layout.plan.packed import Packed
from oci_layout.reference import ImageName


def of_names(root: Root) -> dict[ImageName | None, Image | None]:
    """The image that each name of a root stands for in ``manifest.json``; of no image, nothing.

    Of several of one platform, packed in different ways, that is the first, as engines take it.

    Args:
        root: whose names.

    Returns:
        Images by name, or by None where the root has no name; None for one that must be chosen.
    """
    held = list(images(root.node))
    if not held:
        return {}
    one = held[0] if len({image.platform.normalised() for image in held}) == 1 else None
    by_config = {image.config.digest: image for image in reversed(held)}
    stated = dict(root.docker)
    found: dict[ImageName | None, Image | None] = {}
    for name in root.names or (None,):
        known = by_config.get(stated[name.key]) if name and name.key in stated else None
        found[name] = known or one
    return found


class DockerView:
    """Collects the entries of ``manifest.json``; images of one config and layers share an entry.

    Args:
        target: Docker must have an entry for each name; OCI may go without.
        findings: told what ``docker load`` will not see.
    """

    def __init__(self, target: Family, findings: Findings) -> None:
        self._target, self._findings = target, findings
        self._entries: dict[tuple[str, ...], dict[str, None]] = {}
        self._untagged: dict[str, ImageName] = {}

    def choose(self, root: Root) -> dict[Image, list[ImageName | None]]:
        """The images that the names of a root stand for, one platform each, with their names.

        Raises:
            SelectionError: there are several, the source names none, and Docker needs one.
        """
        found = of_names(root)
        chosen: dict[Image, list[ImageName | None]] = {}
        for name, image in found.items():
            if image is not None:
                chosen.setdefault(image, []).append(name)
        if None in found.values():
            self._ambiguous(root, list(images(root.node)))
        return chosen

    def _ambiguous(self, root: Root, held: list[Image]) -> None:
        platforms = ", ".join(sorted({str(image.platform) for image in held}))
        what = f"{root.label} has several platforms ({platforms}), and docker load takes one"
        if self._target is Family.DOCKER:
            raise SelectionError(what=what, hint="choose it with --platform")
        self._findings.warning(
            "no-docker-platform",
            f"{what}: manifest.json leaves it out",
            hint="--platform chooses one; containerd reads all of them, and so do podman and "
            "skopeo where the archive has one name",
        )

    def add(
        self,
        root: Root,
        names: Sequence[ImageName | None],
        converted: Converted,
        layers: tuple[Packed, ...],
    ) -> None:
        """Add an image under some of its names."""
        every = [packed.layer for packed in layers]
        absent = sum(layer.there is None and not layer.elsewhere for layer in every)
        if absent:
            self._findings.warning(
                "foreign-layer",
                f"{root.label} lacks {plural(absent, 'layer')}, so manifest.json cannot list this "
                "image: docker load will not see it",
            )
            return
        if any(packed.layer.opaque for packed in layers):
            self._findings.warning(
                "opaque-layers",
                f"{root.label} has layers that are no tar, by their media types: manifest.json "
                "leaves it out",
                hint="docker load cannot read it",
            )
            return
        paths = [packed.digest.blob_path for packed in layers]
        config = converted.config_digest.blob_path
        tags = self._entries.setdefault((config, *paths), {})
        for name in names:
            tag = naming.repo_tag(name)
            if tag is not None:
                tags[tag] = None
            elif name is not None:
                self._untagged[name.key] = name

    def finish(self) -> bytes | None:
        """The document; None when it would list nothing."""
        naming.warn_untagged(list(self._untagged.values()), self._findings)
        entries: list[dict[str, Any]] = [
            {"Config": config, "RepoTags": list(tags) or None, "Layers": list(paths)}
            for (config, *paths), tags in self._entries.items()
        ]
        return dockersave.saved_bytes(entries) if entries else None
