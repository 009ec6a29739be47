"""Original manifests that stand with images, held against them; what a signature of one proves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, Layer, Node, Root
from oci_layout.graph.originals import (
    BadOriginalError,
    Original,
    OriginalReader,
    is_original,
    mismatch,
    other_bytes,
)
from oci_layout.graph.walk import every, every_image
from oci_layout.verification.chains import Link
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False)
class Originals:
    """The originals of a source that are of the images they stand with.

    Args:
        by_image: by the digests of the images' manifests.
    """

    by_image: Mapping[Digest, tuple[Original, ...]] = attrs.field(factory=dict)

    def of(self, node: Node) -> tuple[Original, ...]:
        """Those of an image."""
        if not isinstance(node, Image) or node.descriptor is None:
            return ()
        return self.by_image.get(node.descriptor.digest, ())


def check_originals(roots: Iterable[Root], findings: Findings) -> Originals:
    """Hold each original against the image that it stands with.

    Args:
        roots: of the source.
        findings: told of each.
    """
    roots = tuple(roots)
    there: dict[Digest, tuple[str, Image]] = {}
    for root, image in every_image(roots):
        if image.descriptor is not None:
            there.setdefault(image.descriptor.digest, (root.label, image))
    reader = OriginalReader()
    found: dict[Digest, dict[Digest, Original]] = {}
    for artifact in dict.fromkeys(_artifacts(roots)):
        subject = artifact.manifest.subject
        if subject is None or subject.digest not in there:
            continue  # told of as of any other artifact
        label, image = there[subject.digest]
        where = Where(image=label, member=artifact.descriptor.digest.blob_path)
        try:
            original = reader.read(artifact)
            wrong = mismatch(original, image)
        except BadOriginalError as error:
            wrong = str(error)
        if wrong:
            text = f"the original manifest in it is none of this image: {wrong}"
            findings.error("original-mismatch", text, where, _HINT)
            continue
        held = found.setdefault(subject.digest, {})
        held[original.digest] = original
        if len(held) > limits.ORIGINALS:
            findings.error("original-mismatch", f"has more than {limits.ORIGINALS}", where, _HINT)
            break
        around = len(original.indexes)
        beside = f", with {plural(around, 'index')} that led to it" if around else ""
        text = f"the manifest that it had, {original.digest}, is here{beside}: same image ID"
        findings.note("original-kept", text, where)
    by_image = {digest: tuple(each.values()) for digest, each in found.items()}
    return Originals(by_image=by_image)


_HINT = "do not take the image for the one that was signed; carry it again"


def _artifacts(roots: Iterable[Root]) -> Iterator[Artifact]:
    for _, node in every(roots):
        if isinstance(node, Artifact) and is_original(node):
            yield node


@attrs.frozen(kw_only=True, eq=False)
class Known:
    """What is known of the blobs of a source.

    Args:
        state_of: of all bytes of an image: ``holds``, ``damaged``, ``not read``.
        held: whether a layer's bytes were read, and are of its diff_id.
        originals: of the images.
    """

    state_of: Callable[[Node], str]
    held: Callable[[Layer], bool]
    originals: Originals

    def unproved(self, original: Original, node: Node) -> str:
        """Why it is not known that an image has the layers of its original; empty where it is.

        What has the digest that the original lists is it; of all else the diff_id must have been
        held against the bytes.

        Args:
            original: of this image.
            node: the image as it is.
        """
        if not isinstance(node, Image):
            return "is no image"
        left = [layer for layer in other_bytes(original, node) if not self.held(layer)]
        if not left:
            return ""
        return (
            f"{plural(len(left), 'layer')} packed otherwise than in the manifest that was signed, "
            "and not found to be of the diff_id here"
        )


def links_of(original: Original, image: Image, of: frozenset[str], *, state: str) -> Iterator[Link]:
    """The steps from what was signed to the bytes of an image.

    Args:
        original: of this image, which has its layers.
        image: as it is.
        of: digests that are signed, one of them the original's or that of an index around it.
        state: what is known of all bytes of the image.
    """
    if str(original.digest) not in of:
        for digest in original.indexes:
            yield Link(step="index as signed", what=str(digest), verdict="holds")
            if str(digest) in of:
                break
    yield Link(step="manifest as signed", what=str(original.digest), verdict="holds")
    config = image.config.digest
    yield Link(step="config", what=str(config), verdict="holds" if _whole(image) else "damaged")
    count = len(image.layers)
    missing = len(image.missing)
    yield Link(
        step="diff_ids",
        what=f"{plural(missing, 'blob')} not here" if missing else plural(count, "layer"),
        verdict="missing" if missing else "holds",
    )
    yield Link(step="bytes", what="", verdict=state)


def _whole(image: Image) -> bool:
    """Whether the bytes of the config are of its digest."""
    try:
        image.raw_config()
    except DamagedError:
        return False
    return True
