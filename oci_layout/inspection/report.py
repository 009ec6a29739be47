"""What a source holds, as values. docs/inspect-json.md describes each; a test holds them together.

The classes are light, since the command makes them each time it starts, and have slots, since a
source may have tens of thousands of layers. What the graph has is held as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding
from oci_layout.mediatype import Compression, Family
from oci_layout.plain import fields, plain
from oci_layout.platform import Platform
from oci_layout.source.kinds import SourceKind

if TYPE_CHECKING:  # what nobody asks for need not be loaded
    from oci_layout.inspection.provenance import StatedReport


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Writer:
    """A program, and how one knows.

    Args:
        name: the program, or the programs that share the habit.
        evidence: what was seen.
    """

    name: str
    evidence: str


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class SourceReport:
    """The source itself.

    Args:
        path: as the user called it.
        kind: what it is.
        description: one line for people.
        archive: whether it is a tar (else a directory).
        compression: how the archive as a whole is packed.
        writer: who probably wrote it; None when nothing tells.
    """

    path: str
    kind: SourceKind
    description: str
    archive: bool
    compression: Compression
    writer: Writer | None

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**fields(self), "kind": self.kind.json}


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class FileReport:
    """A file that is among the largest of a layer.

    Args:
        path: its name from the root.
        size: bytes.
    """

    path: str
    size: int


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class FilesReport:
    """The files of a layer that was read.

    Args:
        files: regular files; what is of another type has a count of its own.
        bytes: of all regular files.
        whiteouts: files and folders of lower layers that are removed.
        opaque: folders that hide what lower layers have in them.
        whole: whether the layer was read to its end.
        largest: the largest first.
    """

    files: int
    directories: int
    symlinks: int
    hardlinks: int
    devices: int
    fifos: int
    others: int
    bytes: int
    whiteouts: int
    opaque: int
    whole: bool
    largest: tuple[FileReport, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class LayerReport:
    """A layer of an image.

    Args:
        number: in its image, from 0.
        digest: of the stored bytes, as the manifest states it.
        diff_id: of the tar inside, as the config states it.
        member: name of the file that holds it; None when it is not there.
        size: stored bytes; None where the source does not tell.
        media_type: as the manifest states it.
        labelled: how the media type says it is packed.
        compression: how it is packed; None when it is not there, or encrypted.
        mislabelled: whether the two differ.
        encrypted: whether it is.
        foreign: whether it may be fetched from elsewhere.
        urls: where from.
        present: whether it is there.
        discarded: whether it is not there since its engine unpacked it and let go of it.
        created_by: the line of the history that made it.
        pulled_as: blobs of registries that an engine knows it by.
    """

    number: int
    digest: Digest | None
    diff_id: Digest | None
    member: str | None
    size: int | None
    media_type: str | None
    labelled: Compression | None
    compression: Compression | None
    mislabelled: bool
    encrypted: bool
    foreign: bool
    urls: tuple[str, ...]
    present: bool
    discarded: bool
    created_by: str | None
    pulled_as: tuple[str, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class ReadLayerReport(LayerReport):
    """A layer whose files were asked for.

    Args:
        files: what is in it; None where it could not be read.
    """

    files: FilesReport | None


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class HistoryLine:
    """A line of an image's history.

    Args:
        created: when, as the config has it.
        created_by: the command.
        comment: what else was noted.
        empty_layer: whether it made no layer.
        layer: number of the layer that it made, where that is known.
    """

    created: str | None
    created_by: str | None
    comment: str | None
    empty_layer: bool
    layer: int | None


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class ConfigReport:
    """What a config says of how its image runs.

    Args:
        digest: the image ID; None where the config was made here.
        media_type: as the manifest states it.
        size: bytes.
        healthcheck: as it stands in the config.
        docker_extras: instructions that only Docker knows.
    """

    digest: Digest | None
    media_type: str | None
    size: int
    created: str | None
    author: str | None
    user: str | None
    working_dir: str | None
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[str, ...]
    labels: Mapping[str, str]
    exposed_ports: tuple[str, ...]
    volumes: tuple[str, ...]
    stop_signal: str | None
    healthcheck: Any
    onbuild: tuple[str, ...]
    shell: tuple[str, ...]
    docker_extras: tuple[str, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class SignedReport:
    """What a schema 1 manifest says of itself.

    Args:
        name: of the repository.
        tag: in it.
        signatures: how many it has.
    """

    name: str
    tag: str
    signatures: int


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class NodeReport:
    """What a descriptor leads to.

    Args:
        digest: of its manifest or index; None where there is none.
        media_type: as its descriptor states it.
        size: bytes of it.
        platform: as stated where it is listed.
        annotations: of its descriptor, at a root those of the entry as well.
    """

    type: ClassVar[str] = "blob"

    digest: Digest | None
    media_type: str | None
    size: int | None
    platform: Platform | None
    annotations: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"type": self.type, **fields(self)}


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class IndexReport(NodeReport):
    """An index, or the platforms of a name side by side in ``index.json``.

    Args:
        family: whose media types it speaks.
        artifact_type: of an index that is one.
        children: what it lists.
    """

    type: ClassVar[str] = "index"

    family: Family | None
    artifact_type: str | None
    children: tuple[NodeReport, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class ImageReport(NodeReport):
    """An image.

    Args:
        config_platform: as its config says.
        platforms_differ: whether what lists it and its config contradict each other.
        family: of its manifest; None where there is none.
        image_id: digest of its config.
        config: what that says; None when it is not there.
        layers: base first.
        history: as the config tells it.
        made_from: the older format that it was read from.
        schema1: what its schema 1 manifest says.
        missing: digests, or else names, of blobs that are not there.
        pulled_as: manifests of registries that an engine knows it by.
    """

    type: ClassVar[str] = "image"

    config_platform: Platform | None
    platforms_differ: bool
    family: Family | None
    image_id: Digest | None
    config: ConfigReport | None
    layers: tuple[LayerReport, ...]
    history: tuple[HistoryLine, ...]
    made_from: str | None
    schema1: SignedReport | None
    missing: tuple[str, ...]
    pulled_as: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class BlobReport:
    """A blob of an artifact.

    Args:
        title: its name, where it is a file.
        present: whether it is there.
    """

    digest: Digest
    size: int
    media_type: str
    title: str | None
    present: bool


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class ArtifactReport(NodeReport):
    """What is no image: a chart, a signature, an attestation.

    Args:
        kind: what it is, in a word.
        artifact_type: as it says itself.
        config_media_type: of its config.
        attestation: whether it is one of BuildKit's.
        predicates: types of the statements in it.
        subject: digest of what it is about.
        blobs: what it consists of.
        missing: digests, or else names, of blobs that are not there.
    """

    type: ClassVar[str] = "artifact"

    kind: str
    artifact_type: str | None
    config_media_type: str | None
    attestation: bool
    predicates: tuple[str, ...]
    subject: str | None
    blobs: tuple[BlobReport, ...]
    missing: tuple[str, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class AbsentReport(NodeReport):
    """What is listed and is not there.

    Args:
        unreadable: whether it is there and cannot be read.
        subject: digest of what it attests, if it is said to.
        missing: digests, or else names, of blobs that are not there.
    """

    type: ClassVar[str] = "absent"

    unreadable: bool
    subject: str | None
    missing: tuple[str, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class RootReport:
    """What one or more names stand for.

    Args:
        names: as they are written out; none for what has no name.
        node: what it is.
    """

    names: tuple[str, ...]
    node: NodeReport

    def told(self) -> dict[str, Any]:
        """As JSON has it: the names beside what they stand for."""
        return {"names": self.names, **self.node.told()}


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class OrphanReport:
    """A blob that no document names.

    Args:
        name: in the source.
        size: bytes.
    """

    name: str
    size: int


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Totals:
    """What all that was chosen comes to, each blob counted once.

    Args:
        images: number of them, as of artifacts and layers.
        layer_bytes: stored bytes of layers.
        shared_layers: layers that several images have.
        shared_bytes: stored bytes of those.
        missing: digests, or else names, of blobs that documents name and that are not there.
        orphans: blobs that no document names.
    """

    images: int
    artifacts: int
    layers: int
    layer_bytes: int
    shared_layers: int
    shared_bytes: int
    missing: tuple[str, ...]
    orphans: tuple[OrphanReport, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class InspectReport:
    """What is inside a source.

    Args:
        source: the source itself.
        roots: what stands at its top.
        totals: sums.
        findings: what does not hold in documents, names and sizes.
        findings_left_out: of codes that were found too often to keep each.
        provenance: what attestations say; None where nobody asked.
    """

    source: SourceReport
    roots: tuple[RootReport, ...]
    totals: Totals
    findings: tuple[Finding, ...]
    findings_left_out: int
    provenance: tuple[StatedReport, ...] | None = None

    def told(self) -> dict[str, Any]:
        """As JSON has it, what is inside as it is."""
        value = {"version": 1, **fields(self)}
        if self.provenance is None:
            del value["provenance"]
        return value

    def to_json(self) -> dict[str, Any]:
        """The report as the JSON document that ``--json`` prints, version 1."""
        value: dict[str, Any] = plain(self)
        return value
