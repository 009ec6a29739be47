"""The layers of an image as tars that can be read, each as often as it is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import Counted
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Image, Layer
from oci_layout.limits import MERGED_LAYERS
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.member import Member
from oci_layout.streams.reader import Digester, Metered, Reader, chunks
from oci_layout.where import Where

_SMALL = 4 << 20  # bytes of a blob below which a thread costs more than it saves


@attrs.frozen(kw_only=True, eq=False)
class LayerTar:
    """One layer of an image, to be read.

    Args:
        number: from the base, which is 0.
        member: its bytes.
        where: the layer, for messages.
        digest: of the stored bytes, as stated; None where nothing states it.
        diff_id: of the tar inside, as stated; None where nothing states it.
        pool: whose meter is told of bytes read, and who bounds what layers grow to.
    """

    number: int
    member: Member
    where: Where
    digest: Digest | None
    diff_id: Digest | None
    pool: Pool

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """The tar inside, as its bytes say that it is packed.

        Raises:
            DamagedError: while reading: it does not unpack, or grows out of all proportion.
        """
        with contextlib.closing(self.member.open()) as reader:
            counted = Counted(reader, self.pool.meter)
            packed = sniff(self.member.head(SNIFF_BYTES))
            yield decoded(counted, packed, self.where, growth=self.pool.growth)

    @contextmanager
    def checked(self) -> Iterator[Reader]:
        """The same, held against its diff_id once it has been read.

        The rest is read on the way out, where nothing was raised.

        Raises:
            DamagedError: as ``open``; or it is not what the config says, ``diffid-mismatch``.
        """
        stated = self.diff_id
        if stated is None:
            with self._checked_as_stored() as reader:
                yield reader
            return
        threaded = self.member.size > _SMALL
        with self.open() as reader, Digester(stated.algorithm, threaded=threaded) as running:
            metered = Metered(reader, running)
            yield metered
            for _ in chunks(metered):
                pass
            if running.digest != stated:
                raise next(
                    iter(self.member.blame()),
                    DamagedError(
                        what=f"the layer's tar is {running.digest}, the config's diff_id says "
                        f"{stated}",
                        where=self.where,
                        code="diffid-mismatch",
                    ),
                )

    @contextmanager
    def _checked_as_stored(self) -> Iterator[Reader]:
        algorithm = self.digest.algorithm if self.digest is not None else "sha256"
        with (
            contextlib.closing(self.member.open()) as reader,
            Digester(algorithm, threaded=self.member.size > _SMALL) as running,
        ):
            stored = Metered(Counted(reader, self.pool.meter), running)
            packed = sniff(self.member.head(SNIFF_BYTES))
            unpacked = decoded(stored, packed, self.where, growth=self.pool.growth)
            yield unpacked
            for _ in chunks(unpacked):
                pass
            if self.digest is not None and running.digest != self.digest:
                raise DamagedError(
                    what=f"the bytes are {running.digest}, its descriptor says {self.digest}",
                    where=self.where,
                    code="digest-mismatch",
                )


def layer_tars(image: Image, label: str, source: str, pool: Pool) -> tuple[LayerTar, ...]:
    """The layers of an image, base first.

    Args:
        image: that is looked into.
        label: what to call it.
        source: what to call its source.
        pool: see ``LayerTar``.

    Raises:
        DamagedError: a layer that is not there, or is no tar; or far more of them than any
            engine takes.
    """
    if len(image.layers) > MERGED_LAYERS:
        raise DamagedError(
            what=f"{plural(len(image.layers), 'layer')}, where at most {MERGED_LAYERS} are merged",
            where=Where(file=source, image=label),
            code="index-depth",
        )
    return tuple(
        _tar(layer, Where(file=source, image=label, layer=number), number, pool)
        for number, layer in enumerate(image.layers)
    )


def _tar(layer: Layer, where: Where, number: int, pool: Pool) -> LayerTar:
    there = layer.there
    if there is None or there.member is None:
        raise DamagedError(
            what=f"{layer.called} is not in the source",
            where=where,
            hint="--base names a source that has it",
            code="missing-blob",
        )
    if layer.opaque:
        raise DamagedError(
            what="cannot be read: it is encrypted, or no tar", where=where, code="missing-blob"
        )
    return LayerTar(
        number=number,
        member=there.member,
        where=attrs.evolve(where, member=there.member.name),
        digest=there.digest,
        diff_id=layer.diff_id,
        pool=pool,
    )


def bytes_of(layers: Sequence[LayerTar]) -> int:
    """Bytes that are stored of some layers."""
    return sum(layer.member.size for layer in layers)
