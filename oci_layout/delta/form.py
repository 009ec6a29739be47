"""The form of a delta: what it begins with, its segments, and the steps in them (docs/delta.md)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.where import Where

MAGIC = b"oci-delta"
VERSION = 1
HEADER_BYTES = 64 << 10  # what the beginning of a delta may take
SOURCES = 512  # old layers that one delta may name
STEPS = 1 << 15  # of one segment
FRAMES = 1 << 10  # of one segment
FRAME_BYTES = 4 << 20  # of one frame, unpacked
DICTIONARY_BYTES = 4 << 20  # old bytes that one frame may refer to
LOOKED_BACK = 8  # old bytes that all frames may refer to, for each byte of the tar ...
LOOKED_BACK_MORE = 64 << 20  # ... and these
_NUMBER_BYTES = 9  # 63 bits


class Kind(enum.IntEnum):
    """What the bytes of a frame are."""

    STEPS = 0
    HEADERS = 1
    TIMES = 2
    CHANGED = 3
    NEW = 4


class Do(enum.IntEnum):
    """What a step does."""

    COPY = 0  # old bytes, as they are
    HEADERS = 1  # header blocks, without old ones to refer to
    HEADERS_LIKE = 2  # header blocks, like old ones
    NEW = 3  # bytes that are like no others
    CHANGED = 4  # bytes that are like old ones


REFERRING = frozenset({Do.COPY, Do.HEADERS_LIKE, Do.CHANGED})


class DeltaError(ValueError):
    """A delta is not of the form."""


@attrs.frozen
class Step:
    """One step: what the next bytes of the tar are.

    Args:
        do: where they come from.
        size: how many.
        layer: number of the old layer; 0 where none is referred to.
        offset: of the old bytes in it.
        length: of the old bytes; those of a copy are as many as the new ones.
    """

    do: Do
    size: int
    layer: int = 0
    offset: int = 0
    length: int = 0


@attrs.frozen(kw_only=True)
class Opening:
    """What a delta begins with.

    Args:
        target: diff_id of the tar that it makes.
        size: of that tar.
        sources: diff_ids of the old layers, by their numbers; None for one that no step refers to.
    """

    target: Digest
    size: int
    sources: tuple[Digest | None, ...]

    def render(self) -> bytes:
        """Its bytes."""
        names = [self.target, *self.sources]
        body = number(self.size) + number(len(self.sources))
        for each in names:
            text = str(each or "").encode()
            body += number(len(text)) + text
        return MAGIC + bytes([VERSION]) + number(len(body)) + body


@attrs.frozen(kw_only=True)
class Frame:
    """One packed part of a segment.

    Args:
        kind: what it holds.
        size: unpacked bytes.
        packed: bytes as it is stored.
    """

    kind: Kind
    size: int
    packed: int


def number(value: int) -> bytes:
    """A whole number: seven bits a byte, the lowest first, all but the last with the high bit."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> int:
    """A number that may be negative, as one that is not (zigzag)."""
    return value << 1 if value >= 0 else (-value << 1) - 1


class Numbers:
    """Reads numbers out of bytes.

    Args:
        data: the bytes.
        at: where to begin.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self.at = data, at

    def next(self) -> int:
        """The next number.

        Raises:
            DeltaError: there is none, or one of more than 63 bits.
        """
        data, at = self._data, self.at
        value = shift = 0
        for byte in data[at : at + _NUMBER_BYTES]:
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7
        raise DeltaError("a number without an end")

    def next_signed(self) -> int:
        """The next number that may be negative."""
        value = self.next()
        return -((value + 1) >> 1) if value & 1 else value >> 1

    def take(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            DeltaError: there are fewer.
        """
        data = self._data[self.at : self.at + size]
        if len(data) < size:
            raise DeltaError("it ends too early")
        self.at += size
        return data

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self._data) - self.at


def parse_opening(head: bytes) -> tuple[Opening, int]:
    """What a delta begins with, and where its segments begin.

    Args:
        head: its first bytes.

    Raises:
        DeltaError: it is no delta, or of a version that nobody here knows.
    """
    if not head.startswith(MAGIC):
        raise DeltaError("it does not begin as a delta")
    numbers = Numbers(head, len(MAGIC))
    version = numbers.take(1)[0]
    if version != VERSION:
        raise DeltaError(f"a delta of version {version}, and version {VERSION} is read")
    body = Numbers(numbers.take(numbers.next()))
    size, count = body.next(), body.next()
    if count > SOURCES:
        raise DeltaError(f"it names {count} old layers; at most {SOURCES} are read")
    target = _digest(body.take(body.next()))
    sources = [_digest(body.take(body.next())) for _ in range(count)]
    if body.left:
        raise DeltaError("its beginning is longer than what it holds")
    if target is None:
        raise DeltaError("it does not say what it makes")
    return Opening(target=target, size=size, sources=tuple(sources)), numbers.at


def _digest(text: bytes) -> Digest | None:
    try:
        return None if not text else Digest.parse(text.decode("ascii"))
    except ValueError as error:
        raise DeltaError("it names something by no digest") from error


def render_steps(steps: Sequence[Step]) -> bytes:
    """Steps as columns, since each column is like itself: kinds, sizes, and what is referred to.

    An offset is told from where the step before it left that layer, a length from the size.
    """
    kinds, sizes, layers, offsets, lengths = (bytearray() for _ in range(5))
    reached: dict[int, int] = {}
    for step in steps:
        kinds.append(step.do)
        sizes += number(step.size)
        if step.do not in REFERRING:
            continue
        layers += number(step.layer)
        offsets += number(signed(step.offset - reached.get(step.layer, 0)))
        if step.do is not Do.COPY:
            lengths += number(signed(step.length - step.size))
        reached[step.layer] = step.offset + step.length
    columns = (kinds, sizes, layers, offsets, lengths)
    return b"".join(number(len(column)) + bytes(column) for column in columns)


def parse_steps(data: bytes, old: Sequence[int]) -> Iterator[Step]:
    """Steps out of their columns; each is held against the layers it refers to.

    Args:
        data: the columns.
        old: bytes of each old layer.

    Raises:
        DeltaError: a step that is none, or that refers to what is not there.
    """
    numbers = Numbers(data)
    kinds = numbers.take(numbers.next())
    if len(kinds) > STEPS:
        raise DeltaError(f"a segment of {plural(len(kinds), 'step')}; at most {STEPS} are read")
    sizes, layers, offsets, lengths = (Numbers(numbers.take(numbers.next())) for _ in range(4))
    if numbers.left:
        raise DeltaError("bytes follow the steps of a segment")
    reached: dict[int, int] = {}
    for kind in kinds:
        if kind > max(Do):
            raise DeltaError(f"a step of the kind {kind}")
        do, size = Do(kind), sizes.next()
        if not size:
            raise DeltaError("a step that makes nothing")
        if do not in REFERRING:
            yield Step(do, size)
            continue
        layer = layers.next()
        if layer >= len(old):
            raise DeltaError(f"a step refers to layer {layer} of {len(old)}")
        offset = reached.get(layer, 0) + offsets.next_signed()
        length = size if do is Do.COPY else size + lengths.next_signed()
        if offset < 0 or length < 0 or offset + length > old[layer]:
            raise DeltaError("a step refers to bytes that its layer does not have")
        reached[layer] = offset + length
        yield Step(do, size, layer, offset, length)
    if sizes.left or layers.left or offsets.left or lengths.left:
        raise DeltaError("columns of steps are longer than they")


def render_segment(frames: Sequence[tuple[Kind, int, bytes]]) -> bytes:
    """A segment: the table of its frames, and they.

    Args:
        frames: kind, unpacked size and packed bytes of each, the steps first.
    """
    table = number(len(frames))
    for kind, size, packed in frames:
        table += bytes([kind]) + number(size) + number(len(packed))
    return number(len(table)) + table + b"".join(packed for _, _, packed in frames)


END = number(0)


def parse_table(data: bytes) -> list[Frame]:
    """The frames of a segment.

    Args:
        data: its table.

    Raises:
        DeltaError: not a table, or one beyond all bounds.
    """
    numbers = Numbers(data)
    count = numbers.next()
    if not 0 < count <= FRAMES:
        raise DeltaError(f"a segment of {count} frames; between 1 and {FRAMES} are read")
    frames = []
    for _ in range(count):
        kind, size, packed = numbers.take(1)[0], numbers.next(), numbers.next()
        if kind > max(Kind):
            raise DeltaError(f"a frame of the kind {kind}")
        if size > FRAME_BYTES or packed > 2 * FRAME_BYTES:
            raise DeltaError(
                f"a frame of {max(size, packed)} bytes; at most {FRAME_BYTES} are read"
            )
        frames.append(Frame(kind=Kind(kind), size=size, packed=packed))
    if numbers.left:
        raise DeltaError("bytes follow the table of a segment")
    if [frame.kind for frame in frames].count(Kind.STEPS) != 1 or frames[0].kind is not Kind.STEPS:
        raise DeltaError("a segment has its steps in one frame, the first")
    return frames


def damaged(error: DeltaError, where: Where) -> DamagedError:
    """The error of a delta that is not of the form."""
    return DamagedError(
        what=f"the delta is damaged: {error}",
        where=where,
        hint="copy the file again",
        code="bad-delta",
    )
