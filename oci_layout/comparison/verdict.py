"""The verdict on two images: one of five."""

from __future__ import annotations

from collections.abc import Iterable

from oci_layout.pythons import StrEnum


class Verdict(StrEnum):
    """How far two images are the same, best first."""

    IDENTICAL = "identical"
    SAME_IMAGE_ID = "same image ID"
    SAME_CONTENT = "same content"
    SAME_BUT = "same but for what is ignored"
    SAME_FILES = "same files, other config"
    DIFFERENT = "different"

    @property
    def same(self) -> bool:
        """Whether a container made of the one runs as one made of the other."""
        return self in _SAME


_SAME = (Verdict.IDENTICAL, Verdict.SAME_IMAGE_ID, Verdict.SAME_CONTENT, Verdict.SAME_BUT)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several pairs; ``different`` where there is none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.DIFFERENT)
