"""Tasks: what happens to the bytes of each blob."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from oci_layout.blobs.compress import Compress
from oci_layout.blobs.known import Known, Packing
from oci_layout.digest import Digest
from oci_layout.errors import TargetError
from oci_layout.graph.nodes import Layer
from oci_layout.mediatype import Compression, Family, LayerType
from oci_layout.streams.codecs.zstdframes import window
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import Member
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Expected:
    """What the source states of a blob; each must hold.

    Args:
        where: who states it, for messages.
        digest: of the stored bytes, or None.
        size: of the stored bytes, or None.
        diff_id: of the tar inside, or None.
    """

    where: Where
    digest: Digest | None = None
    size: int | None = None
    diff_id: Digest | None = None

    @property
    def stated(self) -> object:
        """What is stated, whoever states it."""
        return self.digest, self.size, self.diff_id


@attrs.frozen(kw_only=True)
class Task:
    """One blob to read once, check, and write as it is or packed another way.

    Args:
        key: what makes two uses of bytes one task.
        member: where the bytes are.
        stored: how they are packed.
        encoding: how they are to be packed; None to keep them.
        opaque: not a layer (or an encrypted one): there is no tar inside to check.
        learn: whether nothing that is stated of the blob is enough, or is to be believed.
        repair: whether the bytes are believed against what is stated: then the tar inside must be
            whole, or repairing would launder a truncation; not where they are what was stated.
        stated: what was stated of it, where it is to be repaired.
        inner: whether the tar inside is hashed too, where it is packed.
        latest: seconds since 1970 that no time in the tar is to be after; None to leave them.
        link: whether the result may be the source's own file, checked by its size only.
        predicted: bytes of the tar inside, as far as the stream's own end can be trusted with
            it; None where it cannot.
        memory: bytes that unpacking takes, by the first bytes.
        algorithm: of the digest it goes out under.
        expected: all that is stated of the blob.
        known: what is remembered of the layer; None where nothing is.
    """

    key: str
    member: Member
    stored: Compression
    encoding: Encoding | None
    opaque: bool
    learn: bool
    repair: bool = False
    stated: Expected | None = None
    inner: bool = True
    latest: int | None = None
    link: bool = False
    predicted: int | None = None
    memory: int = 0
    algorithm: str
    expected: tuple[Expected, ...]
    known: Known | None = None

    @property
    def result(self) -> Compression:
        """How the blob is packed afterwards."""
        return self.stored if self.encoding is None else self.encoding.compression

    @property
    def prediction(self) -> tuple[Digest, int] | None:
        """Digest and size of what will be unpacked: the digest is stated, the size predicted.

        Only who can begin anew may build on it.
        """
        if self.predicted is None or self.learn or self.latest is not None:
            return None
        for expected in self.expected:
            if expected.diff_id is not None and expected.diff_id.algorithm == self.algorithm:
                return expected.diff_id, self.predicted
        return None

    @property
    def stated_result(self) -> tuple[Digest, int] | None:
        """Digest and size of what will be written, if the source's word is enough to know them.

        The word is checked while the bytes pass; if it does not hold, nothing is kept.
        """
        if self.known is not None and self.known.packed is not None:
            return self.known.packed.digest, self.known.packed.member.size
        if self.encoding is not None or self.learn:
            return None
        for expected in self.expected:
            if expected.digest is not None and expected.digest.algorithm == self.algorithm:
                return expected.digest, self.member.size
        if self.stored is Compression.NONE and not self.opaque:
            for expected in self.expected:
                if expected.diff_id is not None and expected.diff_id.algorithm == self.algorithm:
                    return expected.diff_id, self.member.size
        return None

    @property
    def packing(self) -> Packing | None:
        """What it is to be packed with; None to keep it."""
        if self.encoding is None:
            return None
        return Packing(encoding=self.encoding, algorithm=self.algorithm)

    @property
    def memorable(self) -> bool:
        """Whether it is a layer of which something can be remembered."""
        looked = self.encoding is not None or (self.inner and self.stored is not Compression.NONE)
        return looked and not self.opaque and not self.repair and self.latest is None

    @property
    def stated_stored(self) -> Digest | None:
        """Digest of the bytes that are there, if the source's word is enough to know it."""
        for expected in self.expected:
            if expected.digest is not None:
                return expected.digest
        if self.stored is not Compression.NONE or self.opaque:
            return None
        return next((each.diff_id for each in self.expected if each.diff_id is not None), None)


@attrs.frozen(kw_only=True)
class Fact:
    """What a task came to.

    Args:
        digest: of the bytes written.
        size: of the bytes written.
        diff_id: of the tar inside; None for an opaque blob.
        edited: of the tar that was written, where that is another one.
        stored_digest: of the bytes read; as stated where they were linked.
        stored_size: of the bytes read.
        linked: ``file`` where it is the source's own file, ``blocks`` where it shares the blocks of
            that; nothing of it was read then.
    """

    digest: Digest
    size: int
    diff_id: Digest | None
    stored_digest: Digest
    stored_size: int
    linked: str = ""
    edited: Digest | None = None

    @property
    def inside(self) -> Digest | None:
        """Digest of the tar inside of what was written."""
        return self.edited or self.diff_id


class TaskList:
    """Collects tasks, one for each blob however often it is used.

    Args:
        target: the family that decides which compressions have a media type.
        compress: what the user asked for.
        repair: believe nothing that is stated of a blob.
        inner: hash the tar inside of what is kept packed, too.
        link: let files that are kept be linked.
        algorithm: of new blobs; None for sha256.
        typed: whether a layer may go out under the media type that it has, known to all or not.
    """

    def __init__(
        self,
        target: Family,
        compress: Compress,
        *,
        repair: bool = False,
        inner: bool = True,
        link: bool = False,
        algorithm: str | None = None,
        typed: bool = False,
    ) -> None:
        self._target, self._compress, self._typed = target, compress, typed
        self._inner, self._link = inner, link
        self._repair, self._algorithm = repair, algorithm or "sha256"
        self._tasks: dict[str, Task] = {}
        self._expected: dict[str, dict[object, Expected]] = {}
        self._sniffed: dict[str, Compression] = {}

    def __iter__(self) -> Iterator[Task]:
        """The tasks, each with all that is stated of its blob."""
        for key, task in self._tasks.items():
            stated = self._expected.get(key)
            yield attrs.evolve(task, expected=tuple(stated.values())) if stated else task

    def _add(
        self,
        member: Member,
        stored: Compression,
        encoding: Encoding | None,
        opaque: bool,
        expected: Expected,
        latest: int | None = None,
    ) -> str:
        kind = "opaque" if opaque else "layer" if latest is None else "clamped"
        key = f"{kind}:{member_key(member)}"
        learn = (expected.diff_id is None and not opaque) or self._repair
        kept = expected.digest if encoding is None else None
        task = self._tasks.get(key)
        if task is not None:
            key = task.key  # one string, however many uses
        else:
            task = Task(
                key=key,
                member=member,
                stored=stored,
                encoding=encoding,
                opaque=opaque,
                learn=learn,
                latest=latest,
                repair=self._repair and not opaque,
                stated=expected if self._repair else None,
                inner=self._inner or encoding is not None or learn,
                link=self._link and encoding is None and member.alone is not None,
                predicted=_predicted(member, stored, encoding),
                memory=unpacking_memory(member, stored),
                algorithm=kept.algorithm if kept is not None else self._algorithm,
                expected=(_believed(expected),) if self._repair else (expected,),
            )
            self._tasks[key] = task
        if learn and not task.learn:
            self._tasks[key] = attrs.evolve(task, learn=True, inner=True)
        if not self._repair:
            self._expected.setdefault(key, {}).setdefault(expected.stated, expected)
        return key

    def layer(self, layer: Layer, where: Where, latest: int | None = None) -> str | None:
        """Ask for a layer; the task's key, or None for one that is not there.

        Args:
            layer: which.
            where: it is used.
            latest: seconds since 1970 that no time in it is to be after; None to leave it.

        Raises:
            TargetError: the target has no media type for it as it is to be kept.
        """
        there = layer.there
        if there is None or there.member is None:
            return None
        member, kind = there.member, layer.type
        expected = Expected(
            where=where,
            digest=there.digest,
            size=there.size,
            diff_id=None if layer.opaque else layer.diff_id,
        )
        if layer.opaque:
            if self._target is Family.DOCKER:
                media_type = layer.descriptor.media_type if layer.descriptor is not None else ""
                raise TargetError(
                    what=f"a layer of the type {media_type[:_SHOWN]!r} has no Docker form",
                    where=where,
                    hint="--to oci copies it as it is",
                )
            return self._add(member, Compression.NONE, None, True, expected)
        stored = self.sniffed(member)
        encoding = self._encoding(stored, kind, where)
        if latest is not None:
            encoding = encoding or Encoding(stored)
        return self._add(member, stored, encoding, False, expected, latest)

    def opaque(self, member: Member, expected: Expected) -> str:
        """Ask for a blob that is copied as it is."""
        return self._add(member, Compression.NONE, None, True, expected)

    def sniffed(self, member: Member) -> Compression:
        """How a member is packed, by its first bytes."""
        key = member_key(member)
        stored = self._sniffed.get(key)
        if stored is None:
            stored = self._sniffed[key] = sniff(member.head(SNIFF_BYTES))
        return stored

    def _encoding(
        self, stored: Compression, kind: LayerType | None, where: Where
    ) -> Encoding | None:
        foreign = kind is not None and kind.foreign
        as_kept = LayerType(family=self._target, compression=stored, foreign=foreign).render()
        own = self._typed and kind is not None and kind.compression is stored
        if own and self._compress.mode in ("auto", "keep"):
            return None
        if self._compress.mode == "keep":
            if as_kept is None:
                raise TargetError(
                    what=f"{self._target} has no media type for a layer packed with {stored}",
                    where=where,
                    hint="--compression auto packs it with gzip",
                )
            return None
        if self._compress.mode == "auto":
            if as_kept is None:
                return Encoding(Compression.GZIP)
            if self._target is Family.DOCKER and stored is Compression.ZSTD:
                return Encoding(Compression.GZIP)
            return None
        wanted = self._compress.encoding
        if wanted is None or wanted.compression is stored:
            return None
        kept = LayerType(family=self._target, compression=wanted.compression, foreign=foreign)
        if kept.render() is None:
            raise TargetError(
                what=f"{self._target} has no media type for this layer packed with "
                f"{wanted.compression}",
                where=where,
                hint="--compression gzip",
            )
        return wanted


def member_key(member: Member) -> str:
    """What makes two uses of bytes the same ones."""
    return f"{member.store}:{member.name}"


_SHOWN = 100  # characters of a media type that a message has
_EMPTY = Digest.of(b"")
_WRAPS = 1 << 30  # stored bytes from which the 32 bits of a gzip's size are likely to overflow


def _predicted(member: Member, stored: Compression, encoding: Encoding | None) -> int | None:
    """How large the tar in a gzip layer is, where its last four bytes can be believed.

    RFC 1952, 2.3.1, "ISIZE": the size modulo 2^32, of the last member only. What packs a layer in
    many small members leaves a size below that of the packed bytes, which is not believed.
    """
    if stored is not Compression.GZIP or encoding is None:
        return None
    if encoding.compression is not Compression.NONE or not 18 <= member.size < _WRAPS:
        return None
    size = int.from_bytes(member.tail(4), "little")
    return size if size >= member.size else None


def unpacking_memory(member: Member, stored: Compression) -> int:
    """How many bytes unpacking a layer takes beyond the usual, by its first frame."""
    return window(member.head(SNIFF_BYTES)) if stored is Compression.ZSTD else 0


def _believed(expected: Expected) -> Expected:
    """What is left of a statement when repairing: the size, as a sign of a layer that was cut."""
    emptied = expected.size == 0 and expected.diff_id not in (None, _EMPTY)
    size = None if emptied else expected.size
    return attrs.evolve(expected, digest=None, diff_id=None, size=size)
