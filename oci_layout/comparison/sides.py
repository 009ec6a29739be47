"""What is known of one image: its documents, and each of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import examine
from oci_layout.blobs.task import Expected, Task
from oci_layout.comparison.pairing import Candidate
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Layer
from oci_layout.mediatype import Compression
from oci_layout.model import jsontext
from oci_layout.model.config import filled_lines
from oci_layout.plan.convert import new_config
from oci_layout.plan.packed import Packed
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False)
class LayerSide:
    """One layer of one of the images.

    Args:
        number: from the base, which is 0.
        layer: as its source has it.
        diff_id: of the tar inside; None for an encrypted layer of which none is stated.
        digest: of the stored bytes; None where nothing states it and it was not read.
        compression: of the stored bytes; None where they are not there, or encrypted.
        created_by: the line of the history that made it; empty where none is known to have.
    """

    number: int
    layer: Layer
    diff_id: Digest | None
    digest: Digest | None
    compression: Compression | None
    created_by: str

    @property
    def labelled(self) -> Compression | None:
        """How its media type says it is packed."""
        return self.layer.type.compression if self.layer.type is not None else None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        stated = self.layer.descriptor
        return {
            "number": self.number,
            "diff_id": _text(self.diff_id),
            "digest": _text(self.digest),
            "size": self.layer.size,
            "media_type": stated.media_type if stated is not None else None,
            "compression": _text(self.compression),
            "labelled": _text(self.labelled),
            "present": self.layer.member is not None,
            "created_by": self.created_by,
        }


_RAW = Compression.NONE


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@attrs.frozen(kw_only=True)
class Side:
    """One of two images that are compared.

    Args:
        candidate: where it stands.
        manifest: bytes of its manifest (for schema 1, of what is signed); None without one.
        manifest_digest: of those bytes.
        top: digest of what its name stands for: an index or its manifest; None without either.
        config: bytes of its config.
        config_digest: of those bytes: the image ID of Docker's classic store.
        value: the config as JSON.
        layers: base first.
    """

    candidate: Candidate
    manifest: bytes | None = attrs.field(repr=False)
    manifest_digest: Digest | None
    top: Digest | None
    config: bytes = attrs.field(repr=False)
    config_digest: Digest
    value: Mapping[str, Any] = attrs.field(repr=False)
    layers: tuple[LayerSide, ...]

    def told(self) -> Side:
        """What the report needs: nobody can keep the configs of many images."""
        return attrs.evolve(self, config=b"", value={})

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        image, index = self.candidate.image, self.candidate.index
        manifest = image.manifest
        return {
            "names": [str(name) for name in self.candidate.root.names],
            "platform": str(self.candidate.platform),
            "index": _text(index.descriptor.digest if index is not None else None),
            "manifest": _text(self.manifest_digest),
            "media_type": manifest.media_type if manifest is not None else None,
            "image_id": str(self.config_digest),
            "made_from": image.made_from or None,
        }


def unread_layers(candidate: Candidate) -> list[Layer]:
    """The layers of an image that have to be read, since nothing states what their bytes are."""
    return [layer for layer in candidate.image.layers if _unstated(layer)]


def _unstated(layer: Layer) -> bool:
    if layer.member is None or layer.opaque:
        return False
    return layer.diff_id is None or (layer.digest is None and _sniffed(layer) is not _RAW)


def _sniffed(layer: Layer) -> Compression | None:
    if layer.member is None or layer.opaque:
        return None
    return sniff(layer.member.head(SNIFF_BYTES))


def read_side(candidate: Candidate, findings: Findings, pool: Pool) -> Side:
    """Everything about one image; layers are read only where no diff_id is stated.

    Args:
        candidate: the image.
        findings: told of what does not hold in a layer that is read.
        pool: whose meter is told of bytes read.
    """
    image = candidate.image
    raw = image.config_member.read(limits.DOCUMENT_BYTES)
    facts = [_facts(layer, n, candidate, findings, pool) for n, layer in enumerate(image.layers)]
    if image.made_from and all(diff_id is not None for diff_id, _, _ in facts):
        raw = _completed(candidate, raw, facts)
    value = jsontext.parse(raw, Where(member=image.config_member.name), Findings())
    value = value if isinstance(value, dict) else {}
    lines = _lines(value, len(image.layers))
    manifest = image.schema1.payload if image.schema1 is not None else None
    if image.manifest is not None:
        manifest = image.manifest.raw
    algorithm = image.descriptor.digest.algorithm if image.descriptor is not None else "sha256"
    digest = Digest.of(manifest, algorithm) if manifest is not None else None
    index = candidate.index
    return Side(
        candidate=candidate,
        manifest=manifest,
        manifest_digest=digest,
        top=index.descriptor.digest if index is not None else digest,
        config=raw,
        config_digest=Digest.of(raw, image.config.digest.algorithm),
        value=value,
        layers=tuple(
            LayerSide(
                number=number,
                layer=layer,
                diff_id=diff_id,
                digest=stored,
                compression=compression,
                created_by=lines[number],
            )
            for number, (layer, (diff_id, stored, compression)) in enumerate(
                zip(image.layers, facts, strict=True)
            )
        ),
    )


_Facts = tuple[Digest | None, Digest | None, Compression | None]


def _facts(
    layer: Layer, number: int, candidate: Candidate, findings: Findings, pool: Pool
) -> _Facts:
    """diff_id, digest and compression of a layer."""
    compression = _sniffed(layer)
    if layer.member is None or compression is None or not _unstated(layer):
        # The digest of an uncompressed layer is its diff_id.
        digest = layer.diff_id if layer.digest is None else layer.digest
        return layer.diff_id, digest, compression
    where = Where(image=candidate.root.label, layer=number)
    expected = Expected(where=where, digest=layer.digest, diff_id=layer.diff_id)
    task = Task(
        key=layer.member.name,
        member=layer.member,
        stored=compression,
        encoding=None,
        opaque=False,
        learn=True,
        inner=layer.diff_id is None,
        algorithm="sha256",
        expected=(expected,),
    )
    fact, found = examine(task, pool)
    for finding in found:
        findings.add(finding)
    return layer.diff_id or fact.diff_id, fact.stored_digest, compression


def _completed(candidate: Candidate, raw: bytes, facts: list[_Facts]) -> bytes:
    """The config that engines make of V1 documents, once the layers have told their diff_ids."""
    layers = tuple(
        Packed(
            layer=layer,
            digest=digest or diff_id,
            size=layer.size,
            compression=compression or Compression.NONE,
            diff_id=diff_id,
            reencoded=False,
        )
        for layer, (diff_id, digest, compression) in zip(candidate.image.layers, facts, strict=True)
        if diff_id is not None
    )
    config, _, _ = new_config(candidate.image, layers, raw)
    return raw if config is None else config


def _lines(value: Mapping[str, Any], count: int) -> list[str]:
    """What made each layer; nothing where the history does not have a line for each."""
    filled = filled_lines(value)
    if len(filled) != count:
        return [""] * count
    return [str(line.get("created_by") or line.get("comment") or "") for line in filled]
