"""The report of a conversion, as data."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding
from oci_layout.plain import fields, plain
from oci_layout.plan.change import Change
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class DeltaReport:
    """How a layer is told as a delta.

    Args:
        digest: of the delta.
        size: of the delta, bytes.
        images: that have the layers it refers to.
        copied: bytes of the tar that are old ones.
        changed: bytes that are told by what changed in old ones.
        new: bytes that are in the delta itself.
        seconds: that it took to make.
    """

    digest: Digest
    size: int
    images: tuple[str, ...]
    copied: int
    changed: int
    new: int
    seconds: float


@attrs.frozen(kw_only=True)
class LayerReport:
    """What became of one layer.

    Args:
        action: ``kept``, ``re-encoded``, ``absent`` (as in the source), ``left out`` (whoever
            reads the result has it) or ``delta``.
        compression: how it is packed afterwards.
        encoder: what packed it; empty when kept.
        before: digest in the source; None where nothing states it.
        after: digest in the result; None in a plan that cannot know it.
        size_before: stored bytes in the source.
        size_after: stored bytes in the result; None in a plan that cannot know it.
        diff_id: of the tar inside; None where nothing states it.
        expected_from: the image that brings it, where it is left out; empty where none is known.
        delta: what is written instead of it; None where it is written itself.
        pulled_as: blobs of registries that an engine knows it by, which is where it comes from.
    """

    action: str
    compression: str
    encoder: str
    before: Digest | None
    after: Digest | None
    size_before: int
    size_after: int | None
    diff_id: Digest | None
    expected_from: str = ""
    delta: DeltaReport | None = None
    pulled_as: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ImageReport:
    """What became of one image.

    Args:
        names: that it goes out under.
        platform: that it runs on.
        manifest_before: its digest in the source; None where the source had no manifest.
        manifest_after: its digest in the result; None in a plan that cannot know it.
        image_id_before: digest of the config in the source; None where it had none.
        image_id_after: digest of the config in the result.
        config_changes: why the image ID changed; empty when it did not.
        layers: base first.
        changes: what was dropped, repaired or converted.
        pulled_as: manifests of registries that an engine knows it by, which is where it comes from.
    """

    names: tuple[str, ...]
    platform: Platform
    manifest_before: Digest | None
    manifest_after: Digest | None
    image_id_before: Digest | None
    image_id_after: Digest | None
    config_changes: tuple[Change, ...]
    layers: tuple[LayerReport, ...]
    changes: tuple[Change, ...]
    pulled_as: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ArtifactReport:
    """What became of something that is no image: a chart, a signature, an index of such.

    Args:
        names: that it goes out under.
        kind: the media type that says what it is.
        manifest_before: its digest in the source.
        manifest_after: its digest in the result; None in a plan that cannot know it.
        inside: names of the index that lists it; empty for what has an entry of its own.
    """

    names: tuple[str, ...]
    kind: str
    manifest_before: Digest | None
    manifest_after: Digest | None
    inside: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class VolumeReport:
    """One volume of a result that was cut.

    Args:
        file: its name, without its folder.
        size: bytes.
        sha256: of the file, hex.
        images: what it completes, by name or digest.
        partial: the name of the partial image in it; empty without one.
        partial_of: the image that this is part of.
        partial_ids: the image IDs of the partial image.
        needs: files of the earlier volumes that hold layers which it lacks.
    """

    file: str
    size: int
    sha256: str
    images: tuple[str, ...]
    partial: str
    partial_of: str
    partial_ids: tuple[Digest, ...]
    needs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Report:
    """What a conversion did, or would do.

    Args:
        source: where from.
        source_kind: what that is.
        destination: where to.
        destination_kind: what that is.
        destination_note: what to say of it to who wanted something else; empty for nothing.
        dry_run: whether nothing was written.
        images: each image.
        artifacts: whatever else goes out, with an entry of its own or inside an index.
        changes: what was dropped, repaired or converted outside of images.
        warnings: what somebody should know.
        check: ``full``, or ``digests`` where layers that were kept have not been unpacked.
        linked: number of blobs that are the source's own files, checked by their size only.
        cloned: number of blobs that share the blocks of the source's, checked by their size only.
        added: what an append has added, by name or digest; None where nothing was appended to.
        volumes: what the result was cut into, in the order of loading; empty where it was not.
        bytes_written: size of the result, or of what was added; None when nothing was written.
        seconds: time taken; None when nothing was written.
    """

    source: str
    source_kind: str
    destination: str
    destination_kind: str
    dry_run: bool
    images: tuple[ImageReport, ...]
    changes: tuple[Change, ...]
    warnings: tuple[Finding, ...]
    artifacts: tuple[ArtifactReport, ...] = ()
    destination_note: str = ""
    added: tuple[str, ...] | None = None
    check: str = "full"
    linked: int = 0
    cloned: int = 0
    volumes: tuple[VolumeReport, ...] = ()
    bytes_written: int | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as the JSON document that ``--json`` prints, version 1."""
        return {"version": 1, **plain(fields(self))}
