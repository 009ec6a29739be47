"""Digests: the only way from a hash to a path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import attrs

if TYPE_CHECKING:
    from hashlib import _Hash

# image-spec descriptor.md, "Registered algorithms": lower-case hex of a fixed length.
_LENGTHS = {"sha256": 64, "sha512": 128}
_GRAMMAR = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_HEX = re.compile(r"[0-9a-f]+")
_PIECE = 256 << 10  # bytes of a file that are hashed at a time


class InvalidDigestError(ValueError):
    """A text that is not a digest this package can check."""


@attrs.frozen(order=True)
class Digest:
    """A content digest of a registered algorithm.

    Args:
        algorithm: ``sha256`` or ``sha512``.
        hex: lower-case hexadecimal, 64 or 128 characters.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read ``algorithm:hex`` (image-spec, descriptor.md, "Digests").

        Raises:
            InvalidDigestError: not the grammar, or an algorithm that is not registered.
        """
        algorithm, _, encoded = text.partition(":")
        length = _LENGTHS.get(algorithm)
        if length is None:
            if _GRAMMAR.fullmatch(text):
                raise InvalidDigestError(f"digest algorithm {algorithm[:40]!r} is not supported")
            raise InvalidDigestError(f"{text[:100]!r} is not a digest")
        if len(encoded) != length or not _HEX.fullmatch(encoded):
            raise InvalidDigestError(
                f"{text[:150]!r} is not a digest: {algorithm} needs {length} lower-case hex digits"
            )
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """The digest of some bytes."""
        return cls(algorithm, new_hash(algorithm, data).hexdigest())

    @classmethod
    def of_file(cls, file: BinaryIO, algorithm: str = "sha256") -> Digest:
        """The digest of the rest of a file that is open.

        Args:
            file: is read to its end.
            algorithm: ``sha256`` or ``sha512``.

        Raises:
            OSError: it cannot be read.
        """
        running = new_hash(algorithm)
        while data := file.read(_PIECE):
            running.update(data)
        return cls.finish(running)

    @classmethod
    def finish(cls, running: _Hash) -> Digest:
        """The digest a running hash has come to."""
        return cls(running.name, running.hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def short(self) -> str:
        """The first twelve hex digits, as people quote them."""
        return self.hex[:12]

    @classmethod
    def of_path(cls, path: str) -> Digest | None:
        """The digest that a path like ``blobs/sha256/HEX`` promises; None for another path."""
        parts = path.split("/")
        if len(parts) != 3 or parts[0] != "blobs":
            return None
        try:
            return cls.parse(f"{parts[1]}:{parts[2]}")
        except InvalidDigestError:
            return None

    @property
    def blob_path(self) -> str:
        """Where an image layout keeps this blob (image-layout.md, "Blobs")."""
        return f"blobs/{self.algorithm}/{self.hex}"


_QUOTED = re.compile(r"(?:(sha256|sha512):)?([0-9a-f]{7,128})(?:\.\.\.)?")


@attrs.frozen
class QuotedDigest:
    """A digest as people paste it: whole, or its beginning, in any form that is printed here.

    Args:
        algorithm: empty where none was given.
        hex: at least the first seven digits.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> QuotedDigest | None:
        """Read ``sha256:HEX``, ``HEX``, either cut short and with or without dots; None if none."""
        match = _QUOTED.fullmatch(text)
        return cls(match[1] or "", match[2]) if match is not None else None

    def __str__(self) -> str:
        lengths = [_LENGTHS[self.algorithm]] if self.algorithm else _LENGTHS.values()
        whole = len(self.hex) in lengths
        begin = f"{self.algorithm}:" if self.algorithm else ""
        return f"{begin}{self.hex}{'' if whole else '...'}"

    def means(self, digest: Digest) -> bool:
        """Whether a digest can be the one that is meant."""
        return self.algorithm in ("", digest.algorithm) and digest.hex.startswith(self.hex)


def chain_ids(diff_ids: Iterable[Digest]) -> Iterator[Digest]:
    """What each layer and all below it come to (image-spec config.md, "Layer ChainID").

    Args:
        diff_ids: of the layers, base first.
    """
    chain: Digest | None = None
    for diff_id in diff_ids:
        chain = diff_id if chain is None else Digest.of(f"{chain} {diff_id}".encode())
        yield chain


def new_hash(algorithm: str, data: bytes = b"") -> _Hash:
    """A running hash of a registered algorithm.

    Args:
        algorithm: ``sha256`` or ``sha512``.
        data: bytes to begin with.
    """
    return hashlib.new(algorithm, data, usedforsecurity=False)
