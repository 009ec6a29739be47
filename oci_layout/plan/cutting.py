"""Cuts a result into volumes of a size, each of which an engine loads after those before it.

An image goes whole into the first volume of the last few that has space for it. One that is larger
than a volume is cut between its layers; the volumes before its last one hold a partial image.
A layer is left out of a volume where all engines find it: an image of an earlier volume has it, as
the same blob and on the same layers.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import TargetError
from oci_layout.finding import FailFast
from oci_layout.limits import VOLUMES
from oci_layout.model import dockersave, gojson, jsontext, layout
from oci_layout.plan.assemble import Documents
from oci_layout.plan.partial import Partial, make_partial, name_for
from oci_layout.plan.pieces import Piece, Stack, pieces_of
from oci_layout.streams import tarwrite
from oci_layout.where import Where

_OPEN = 8  # volumes at the end that are looked at for space
_BEFORE = "the volumes before"  # what the mark of a thin volume names


@attrs.frozen(kw_only=True)
class Volume:
    """What one volume holds.

    Args:
        documents: of the archive.
        blobs: digests of the blobs that it holds beside documents.
        entries: for each entry of its ``index.json`` the place in that of the whole result; None
            for a partial image.
        images: what it completes, by name or digest.
        partial: the partial image that it holds; None for none.
        needs: numbers of the earlier volumes that hold layers which this one lacks, from 1 on.
    """

    documents: Documents
    blobs: tuple[Digest, ...]
    entries: tuple[int | None, ...]
    images: tuple[str, ...]
    partial: Partial | None
    needs: tuple[int, ...]


def cut(documents: Documents, sizes: Mapping[Digest, int], size: int) -> list[Volume]:
    """The volumes of a result.

    Args:
        documents: of the whole result.
        sizes: bytes of each blob that is to be written, beside the documents.
        size: bytes that a volume may have.

    Raises:
        TargetError: a layer, or the documents of an image, are larger than a volume.
    """
    cutter = _Cutter(documents, sizes, size)
    for piece in pieces_of(documents):
        cutter.place(piece)
    return cutter.finish()


def _stored(name: str, size: int) -> int:
    """Bytes that a member takes in an archive."""
    return len(tarwrite.header(name, size)) + size + tarwrite.padding(size)


@attrs.define(kw_only=True, eq=False, repr=False)
class _Open:
    """A volume that is being filled.

    Args:
        index: bytes of its ``index.json``.
        saved: bytes of its ``manifest.json``.
        stored: bytes of its other members.
    """

    index: int
    saved: int = 3
    stored: int = 0
    documents: dict[Digest, bytes] = attrs.field(factory=dict)
    blobs: dict[Digest, None] = attrs.field(factory=dict)
    pieces: list[Piece] = attrs.field(factory=list)
    partial: Partial | None = None
    needs: set[int] = attrs.field(factory=set)

    @property
    def empty(self) -> bool:
        """Whether nothing has been put into it."""
        return not self.pieces and self.partial is None

    def size(self, index: int = 0, saved: int = 0, stored: int = 0) -> int:
        """Bytes of the archive.

        Args:
            index: bytes more of its ``index.json``.
            saved: of its ``manifest.json``.
            stored: of its other members.
        """
        every = (
            _stored(layout.MARKER, len(layout.MARKER_BYTES))
            + _stored(layout.INDEX, self.index + index)
            + _stored(dockersave.MANIFEST, self.saved + saved)
            + self.stored
            + stored
            + len(tarwrite.END)
        )
        return -(-every // tarwrite.RECORD) * tarwrite.RECORD


def _encoded(values: Iterable[Mapping[str, Any]]) -> int:
    """Bytes that values add to a list of JSON."""
    return sum(len(gojson.encode_bytes(value)) + 1 for value in values)


class _Cutter:
    """Fills volumes.

    Args:
        documents: of the whole result.
        sizes: bytes of each blob that is to be written.
        size: bytes that a volume may have.
    """

    def __init__(self, documents: Documents, sizes: Mapping[Digest, int], size: int) -> None:
        self._whole, self._sizes, self._size = documents, sizes, size
        self._volumes: list[_Open] = []
        self._chains: dict[Digest, int] = {}  # the first volume after which it is there
        self._held: dict[Digest, int] = {}  # blobs, likewise
        index = jsontext.parse(documents.index, Where(), FailFast())
        entries = index.pop("manifests")
        self._index: dict[str, Any] = index
        names = [(entry.get("annotations") or {}) for entry in entries]
        self._taken = frozenset(
            text
            for notes in names
            for key in (layout.CONTAINERD_NAME, layout.REF_NAME)
            if (text := notes.get(key))
        )
        longest = self._index_bytes(VOLUMES, VOLUMES, thin=True, entries=[])
        self._empty = len(longest)

    def _index_bytes(
        self, number: int, count: int, *, thin: bool, entries: Sequence[Mapping[str, Any]]
    ) -> bytes:
        notes = dict(self._index.get("annotations") or {})
        notes[layout.VOLUME] = f"{number} of {count}"
        if thin:
            notes[layout.THIN] = ", ".join(filter(None, (_BEFORE, notes.get(layout.THIN))))
        value = {**self._index, "annotations": notes, "manifests": list(entries)}
        return gojson.encode_bytes(value)

    def place(self, piece: Piece) -> None:
        """Put a piece into a volume, or cut it."""
        last = len(self._volumes)
        for number in range(max(0, last - _OPEN), last):
            if self._fits(piece, number):
                self._complete(piece, number)
                return
        fresh = self._fresh()
        if self._fits(piece, fresh):
            self._complete(piece, fresh)
            return
        self._drop_fresh()
        self._divide(piece)

    def _fresh(self) -> int:
        if len(self._volumes) == VOLUMES:
            raise TargetError(
                what=f"would be more than {VOLUMES} volumes", hint="a larger --volume-size"
            )
        self._volumes.append(_Open(index=self._empty))
        return len(self._volumes) - 1

    def _drop_fresh(self) -> None:
        if self._volumes and self._volumes[-1].empty:
            self._volumes.pop()

    def _there(self, stack: Stack, place: int, number: int) -> bool:
        """Whether all engines find a layer that an earlier volume than this has brought."""
        chain, digest = stack.chains[place], stack.layers[place]
        if chain is None:
            return False
        return max(self._chains.get(chain, number), self._held.get(digest, number)) < number

    def _needed(self, units: Iterable[tuple[Stack, int]], number: int) -> dict[Digest, None]:
        """The blobs of layers that a volume has to hold."""
        return dict.fromkeys(
            stack.layers[place]
            for stack, place in units
            if stack.layers[place] in self._sizes and not self._there(stack, place, number)
        )

    def _bytes(self, volume: _Open, blobs: Iterable[Digest], documents: Iterable[Digest]) -> int:
        """Bytes that members add to a volume; documents of the whole result."""
        every = self._whole.blobs
        new = [each for each in blobs if each not in volume.blobs]
        docs = [each for each in documents if each not in volume.documents]
        return sum(_stored(each.blob_path, self._sizes[each]) for each in new) + sum(
            _stored(each.blob_path, len(every[each])) for each in docs
        )

    def _parts(self, piece: Piece, number: int) -> dict[Digest, None]:
        other = (each for each in piece.blobs if each in self._sizes)
        return {**self._needed(piece.units, number), **dict.fromkeys(other)}

    def _fits(self, piece: Piece, number: int) -> bool:
        volume = self._volumes[number]
        stored = self._bytes(volume, self._parts(piece, number), piece.documents)
        index = _encoded(entry for _, entry in piece.entries)
        return volume.size(index, _encoded(piece.saved), stored) <= self._size

    def _complete(self, piece: Piece, number: int) -> None:
        volume, parts = self._volumes[number], self._parts(piece, number)
        volume.stored += self._bytes(volume, parts, piece.documents)
        volume.index += _encoded(entry for _, entry in piece.entries)
        volume.saved += _encoded(piece.saved)
        volume.documents |= {each: self._whole.blobs[each] for each in piece.documents}
        volume.blobs |= parts
        volume.pieces.append(piece)
        # An image without a full name is not kept by every engine.
        self._bring(piece.units, number, kept=piece.reference is not None)

    def _bring(self, units: Sequence[tuple[Stack, int]], number: int, *, kept: bool) -> None:
        """Take note of what is there after a volume, and of what it takes from earlier ones."""
        volume = self._volumes[number]
        for stack, place in units:
            chain, digest = stack.chains[place], stack.layers[place]
            if chain is not None and self._there(stack, place, number) and digest in self._sizes:
                volume.needs |= {self._held[digest] + 1, self._chains[chain] + 1}
        for stack, place in units if kept else ():
            chain, digest = stack.chains[place], stack.layers[place]
            if chain is not None:
                self._chains[chain] = min(number, self._chains.get(chain, number))
            self._held[digest] = min(number, self._held.get(digest, number))

    def _divide(self, piece: Piece) -> None:
        """Cut a piece that no volume holds: what fits into the last volume, and on."""
        done, number = 0, len(self._volumes) - 1
        if number < 0 or self._volumes[number].partial is not None:
            number = self._fresh()
        units = piece.units
        while not self._fits(piece, number):
            more = self._fill(piece, done, number) if self._divisible(piece) else done
            if more > done:
                done = more
            elif self._volumes[number].empty:
                raise self._too_large(piece, units[done] if done < len(units) else None, number)
            number = self._fresh()
        self._complete(piece, number)

    @staticmethod
    def _divisible(piece: Piece) -> bool:
        return bool(piece.stacks) and all(stack.divisible for stack in piece.stacks)

    def _fill(self, piece: Piece, done: int, number: int) -> int:
        """Put a partial image into a volume, of as many layers as it has space for.

        Returns:
            How many layers of the piece are there now.
        """
        volume, units = self._volumes[number], piece.units
        name = name_for(piece, number + 1, self._taken)

        def bytes_of(count: int) -> tuple[Partial, dict[Digest, None], int]:
            partial = make_partial(piece, count, name, self._whole.blobs)
            parts = self._needed(units[:count], number)
            stored = self._bytes(volume, parts, ()) + sum(
                _stored(digest.blob_path, len(raw)) for digest, raw in partial.documents.items()
            )
            size = volume.size(_encoded([partial.entry]), _encoded(partial.saved), stored)
            return partial, parts, size

        counts = range(done + 1, len(units) + 1)
        fitting = bisect.bisect_right(counts, self._size, key=lambda count: bytes_of(count)[2])
        if not fitting:
            return done
        partial, parts, _ = bytes_of(done + fitting)
        volume.stored += self._bytes(volume, parts, ()) + sum(
            _stored(digest.blob_path, len(raw)) for digest, raw in partial.documents.items()
        )
        volume.index += _encoded([partial.entry])
        volume.saved += _encoded(partial.saved)
        volume.documents |= partial.documents
        volume.blobs |= parts
        volume.partial = partial
        self._bring(units[: done + fitting], number, kept=True)
        return done + fitting

    def _too_large(self, piece: Piece, unit: tuple[Stack, int] | None, number: int) -> TargetError:
        """The error for what no volume holds."""
        hint = f"a larger --volume-size, or split -b {self._size} x.tar x.tar.part of coreutils"
        where = Where(image=piece.label)
        if unit is not None and self._divisible(piece):
            stack, place = unit
            digest = stack.layers[place]
            size = self._sizes.get(digest, 0)
            if not self._there(stack, place, number) and size:
                what = f"layer {place} ({digest}, {plural(size, 'byte')})"
                return TargetError(
                    what=f"{what} does not fit into a volume of {plural(self._size, 'byte')}",
                    where=where,
                    hint=hint,
                )
        blobs = [(self._sizes[each], each) for each in self._parts(piece, number)]
        size, largest = max(blobs, default=(0, None), key=lambda pair: pair[0])
        named = f"; its largest blob is {largest}, {plural(size, 'byte')}" if largest else ""
        return TargetError(
            what=f"does not fit into a volume of {plural(self._size, 'byte')}, and cannot be "
            f"cut{named}",
            where=where,
            hint=hint,
        )

    def finish(self) -> list[Volume]:
        """The volumes, with their documents."""
        self._drop_fresh()
        if not self._volumes:
            self._fresh()
        return [self._finished(number) for number in range(len(self._volumes))]

    def _finished(self, number: int) -> Volume:
        volume, partial = self._volumes[number], self._volumes[number].partial
        pairs: list[tuple[int | None, Mapping[str, Any]]] = sorted(
            (pair for piece in volume.pieces for pair in piece.entries),
            key=lambda pair: pair[0] or 0,
        )
        saved = [each for piece in volume.pieces for each in piece.saved]
        if partial is not None:
            pairs.append((None, partial.entry))
            saved += partial.saved
        index = self._index_bytes(
            number + 1,
            len(self._volumes),
            thin=bool(volume.needs),
            entries=[entry for _, entry in pairs],
        )
        documents = Documents(
            blobs=dict(volume.documents),
            index=index,
            # Docker refuses an archive without one; an empty one brings nothing.
            docker=dockersave.saved_bytes(saved) if saved or self._whole.docker else None,
        )
        return Volume(
            documents=documents,
            blobs=tuple(volume.blobs),
            entries=tuple(place for place, _ in pairs),
            images=tuple(name for piece in volume.pieces for name in piece.called),
            partial=partial,
            needs=tuple(sorted(volume.needs)),
        )
