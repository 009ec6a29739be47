"""Layers that a source tells as deltas: found among its artifacts, and made again from others."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol

import attrs

from oci_layout import limits
from oci_layout.delta import form
from oci_layout.delta.applying import apply, read_opening
from oci_layout.delta.form import DeltaError, Opening
from oci_layout.delta.stretch import Stretch
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Artifact, Layer, Node, Root
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.layout import DELTA_ARTIFACT, DELTA_DIFF_ID, DELTA_LAYER, DELTA_PACKED
from oci_layout.source.tars import Tars
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import AssembledMember, Member
from oci_layout.streams.reader import ClosableReader
from oci_layout.where import Where

_HEAD = 512  # bytes of a layer that are asked for again and again
REPRODUCIBLE = (Encoding.parse("gzip"), Encoding.parse("zstd"))


def is_delta(node: Node) -> bool:
    """Whether an artifact lists deltas of layers."""
    return isinstance(node, Artifact) and DELTA_ARTIFACT in (
        node.manifest.artifact_type,
        node.descriptor.artifact_type,
    )


def deltas_of(roots: Sequence[Root]) -> dict[Digest, tuple[Descriptor, Member]]:
    """The deltas that lie in a source, by the diff_id of the layer that each makes."""
    found: dict[Digest, tuple[Descriptor, Member]] = {}
    for root in roots:
        node = root.node
        if not isinstance(node, Artifact) or not is_delta(node):
            continue
        for descriptor, member in node.blobs:
            stated = descriptor.annotations.get(DELTA_DIFF_ID, "")
            if member is None or descriptor.media_type != DELTA_LAYER:
                continue
            try:
                found.setdefault(Digest.parse(stated), (descriptor, member))
            except InvalidDigestError:
                continue
    return found


@attrs.frozen(eq=False, repr=False, match_args=False)
class RestoredMember(AssembledMember):
    """A layer that a delta makes again on each reading. Its first bytes are made once.

    Args:
        begun: the first bytes, once they are made.
    """

    begun: list[bytes] = attrs.field(factory=list, repr=False, kw_only=True)

    def stretch(self, start: int, size: int) -> bytes:
        """Some of its bytes."""
        if start + size > _HEAD:
            return AssembledMember.stretch(self, start, size)
        if not self.begun:
            try:
                self.begun.append(AssembledMember.stretch(self, 0, min(_HEAD, self.size)))
            except DamagedError:  # whoever reads it to its end is told
                self.begun.append(bytes(min(_HEAD, self.size)))
        return self.begun[0][start : start + size]


class _Finds(Protocol):
    """Finds a layer by its diff_id."""

    def layer(self, diff_id: Digest) -> Layer | None:
        """A layer that has this tar inside; None when it is nowhere."""
        ...


class Restorer:
    """Makes layers again out of the deltas of a source.

    Args:
        roots: of the source.
        find: finds old layers by diff_id.
        tmp: directory for what is unpacked.
    """

    def __init__(self, roots: Sequence[Root], find: _Finds, tmp: str | None) -> None:
        self._deltas = deltas_of(roots)
        self._find, self._tars = find, Tars(tmp)
        weakref.finalize(self, self._tars.close)  # members keep this as long as they are read

    def layer(self, layer: Layer) -> Layer | None:
        """A layer with bytes, or with a substitute; None where no delta makes it of what is there.

        Args:
            layer: one that is not there.
        """
        told = self._deltas.get(layer.diff_id) if layer.diff_id is not None else None
        if told is None or layer.diff_id is None:
            return None
        descriptor, member = told
        where = Where(file=member.store, member=member.name)
        delta = self._tars.stored(member)
        try:
            opening, _ = read_opening(delta)
            if opening.target != layer.diff_id:
                raise DeltaError(f"it makes {opening.target}, and is listed for {layer.diff_id}")
        except DeltaError as error:
            broken = RestoredMember(
                f"{layer.called} of a delta",
                layer.size,
                store=member.store,
                assemble=partial(_broken, form.damaged(error, where)),
            )
            return attrs.evolve(layer, member=broken)
        old = [None if each is None else self._find.layer(each) for each in opening.sources]
        wanting = zip(opening.sources, old, strict=True)
        if any(each is not None and found is None for each, found in wanting):
            return None
        members = tuple(each.member if each is not None else None for each in old)
        making = _Making(self, delta, opening, members, where)
        name = f"{layer.diff_id} of a delta"
        tar = RestoredMember(name, opening.size, store=member.store, assemble=making.reader)
        if layer.digest in (None, layer.diff_id):
            return attrs.evolve(layer, member=tar)
        packed = _packed(layer, descriptor, making)
        if packed is not None:
            return attrs.evolve(layer, member=packed)
        raw = Layer(member=tar, size=tar.size, digest=layer.diff_id, diff_id=layer.diff_id)
        return attrs.evolve(layer, substitute=raw)

    def stretches(
        self, delta: Stretch, opening: Opening, old: Sequence[Member | None], where: Where
    ) -> list[Stretch]:
        """The old tars, unpacked where they are packed.

        Args:
            delta: the delta.
            opening: what it begins with.
            old: the old layers, by their numbers.
            where: the delta, for messages.

        Raises:
            DamagedError: the tar would be out of all proportion.
        """
        none = attrs.evolve(delta, size=0)
        layers = [none if each is None else self._tars.of(each) for each in old]
        fair = limits.BOMB_RATIO * delta.size + 2 * sum(each.size for each in layers)
        if opening.size > fair + limits.BOMB_BYTES:
            raise DamagedError(
                what=f"a delta of {delta.size} bytes makes {opening.size}", where=where, code="bomb"
            )
        return layers


@attrs.frozen(eq=False, repr=False, match_args=False)
class _Making:
    """All that is needed to make one tar again."""

    restorer: Restorer
    delta: Stretch
    opening: Opening
    old: tuple[Member | None, ...]
    where: Where

    def reader(self) -> ClosableReader:
        """The tar, from its first byte."""
        layers = self.restorer.stretches(self.delta, self.opening, self.old, self.where)
        return _Pieces(self._checked(apply(self.delta, layers)))

    def packed(self, encoding: Encoding) -> ClosableReader:
        """The tar, packed."""
        return _Pieces(_encoded(self.reader(), encoding))

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes; after the last of them it is known whether they are right."""
        digest = hashlib.new(self.opening.target.algorithm)
        try:
            for data in pieces:
                digest.update(data)
                yield data
        except DeltaError as error:
            raise form.damaged(error, self.where) from error
        if digest.hexdigest() != self.opening.target.hex:
            raise DamagedError(
                what=f"what the delta makes is not {self.opening.target}: the base has other bytes "
                "than it says, or the delta is damaged",
                where=self.where,
                hint="layout verify tells which",
                code="bad-delta",
            )


def _broken(error: DamagedError) -> ClosableReader:
    """What is read of a delta that does not even begin as one."""
    raise error


class _Pieces:
    """Reads what comes in pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            data = next(self._pieces, None)
            if data is None:
                return b""
            self._rest = data
        if len(self._rest) <= size:
            data, self._rest = self._rest, b""
        else:
            data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        self._pieces = iter(())


def _encoded(reader: ClosableReader, encoding: Encoding) -> Iterator[bytes]:
    encoder = encoding.encoder()
    while data := reader.read(limits.CHUNK):
        if packed := encoder.compress(data):
            yield packed
    yield encoder.flush()


def _packed(layer: Layer, descriptor: Descriptor, making: _Making) -> RestoredMember | None:
    """The very bytes of a packed layer, where the same encoder is here that packed them."""
    noted = descriptor.annotations.get(DELTA_PACKED, "")
    for encoding in REPRODUCIBLE:
        if noted == encoding.encoder_name:
            return RestoredMember(
                f"{layer.digest} of a delta",
                layer.size,
                store=making.where.file,
                assemble=partial(making.packed, encoding),
            )
    return None
