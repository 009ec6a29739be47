"""Layers: as they are labelled, as they are, and the files in them where somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from oci_layout.finding import Findings
from oci_layout.graph.nodes import Layer
from oci_layout.inspection.report import FilesReport, LayerReport, ReadLayerReport
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.growth import Growth
from oci_layout.streams.member import Member
from oci_layout.streams.reader import Reader
from oci_layout.where import Where


class LayerReader:
    """Looks at layers, at each blob once however many images have it.

    Args:
        findings: told of layers that are damaged, which shows only where they are read.
        largest: how many of the largest files of each layer to name; None to read no layer.
        advance: told of bytes read.
    """

    def __init__(
        self,
        findings: Findings,
        *,
        largest: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> None:
        self._findings, self._largest, self._advance = findings, largest, advance
        self._growth = Growth()
        self._packed: dict[str, Compression] = {}
        self._files: dict[str, FilesReport] = {}

    def look(self, number: int, layer: Layer, created_by: str | None = None) -> LayerReport:
        """What is known of a layer.

        Args:
            number: of the layer in its image, from 0.
            layer: as the image has it.
            created_by: the line of the history that made it; None where nobody knows.
        """
        kind, descriptor = layer.type, layer.descriptor
        encrypted = kind is not None and kind.encrypted
        actual = None if layer.member is None or layer.opaque else self._compression(layer.member)
        labelled = kind.compression if kind is not None else None
        make: Callable[..., LayerReport] = LayerReport
        if self._largest is not None:
            make = partial(ReadLayerReport, files=self._read(layer.member, actual))
        return make(
            number=number,
            digest=layer.stated.digest if layer.stated is not None else layer.digest,
            diff_id=layer.diff_id,
            member=layer.member.name if layer.member is not None else None,
            # A schema 1 manifest states no sizes.
            size=None if layer.member is None and descriptor is None else layer.size,
            media_type=descriptor.media_type if descriptor is not None else None,
            labelled=labelled,
            compression=actual,
            mislabelled=None not in (actual, labelled) and actual is not labelled,
            encrypted=encrypted,
            foreign=kind is not None and kind.foreign,
            urls=descriptor.urls if descriptor is not None else (),
            present=layer.member is not None,
            discarded=layer.discarded,
            created_by=created_by,
            pulled_as=layer.pulled_as,
        )

    def _compression(self, member: Member) -> Compression:
        if member.name not in self._packed:
            self._packed[member.name] = sniff(member.head(SNIFF_BYTES))
        return self._packed[member.name]

    def _read(self, member: Member | None, compression: Compression | None) -> FilesReport | None:
        if member is None or compression is None:
            return None
        from oci_layout.inspection.files import summary  # noqa: PLC0415  few ask; a fast start

        if member.name not in self._files:
            reader, where = member.open(), Where(member=member.name)
            try:
                counted = reader if self._advance is None else _Counted(reader, self._advance)
                unpacked = decoded(counted, compression, where, growth=self._growth)
                self._files[member.name] = summary(
                    unpacked, where, self._largest or 0, self._findings
                )
            finally:
                reader.close()
        return self._files[member.name]


class _Counted:
    """Tells of the bytes that pass."""

    def __init__(self, reader: Reader, advance: Callable[[int], None]) -> None:
        self._reader, self._advance = reader, advance

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._advance(len(data))
        return data
