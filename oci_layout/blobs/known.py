"""What is known of a layer whose bytes were read before: the tar inside, and its packed form."""

from __future__ import annotations

from typing import Protocol

import attrs

from oci_layout.digest import Digest
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import Member


@attrs.frozen(kw_only=True)
class Packed:
    """A layer as it was packed before.

    Args:
        digest: of its bytes.
        member: the bytes, in an earlier result; they are hashed again as they are copied.
    """

    digest: Digest
    member: Member


@attrs.frozen(kw_only=True)
class Known:
    """What was found out of a layer, which every engine unpacks.

    Args:
        stored: digest of the bytes that were read; it holds of no others.
        diff_id: of the tar inside.
        packed: what they were packed to, the way that is asked for; None where they never were.
    """

    stored: Digest
    diff_id: Digest
    packed: Packed | None = None


@attrs.frozen(kw_only=True)
class Packing:
    """How a layer is to be packed: the same bytes come out of the same packing.

    Args:
        encoding: by what, and how well.
        algorithm: of the digest it goes out under.
    """

    encoding: Encoding
    algorithm: str


class Remembered(Protocol):
    """Remembers layers from one source to the next. Asked and told from one thread at a time."""

    def find(self, stored: Digest, packing: Packing | None) -> Known | None:
        """What is known.

        Args:
            stored: digest of the bytes, as the source states it.
            packing: that is asked for; None for a layer that is kept.
        """
        ...

    def learn(self, known: Known, packing: Packing | None, result: Digest) -> None:
        """Take in what was found out.

        Args:
            known: of a layer that was read to its end.
            packing: what it was packed with; None where it was kept.
            result: digest of the bytes that were written.
        """
        ...
