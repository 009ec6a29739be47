"""What two values of one document differ in, and the document's text with just that changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from oci_layout.model import gojson
from oci_layout.model.jsonedit import Edits, Path


class _Absent:
    """Stands for a field that is not there."""


ABSENT: Final = _Absent()


@attrs.frozen(eq=False)
class Difference:
    """One place.

    Args:
        path: of it; in a list, the number that it has in the old one.
        old: what was there, or ``ABSENT``.
        new: what is to be there, or ``ABSENT``.
    """

    path: Path
    old: Any
    new: Any

    @property
    def field(self) -> str:
        """The path as findings have it."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    def into(self, edits: Edits) -> None:
        """Make it so in a document."""
        if self.new is ABSENT:
            edits.remove(self.path)
        else:
            edits.set(self.path, self.new)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON; to Python ``True`` is 1."""
    return one is other or (type(one) is type(other) and gojson.encode(one) == gojson.encode(other))


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Difference]:
    """Where two values differ, each place as deep inside as it can be told.

    Args:
        old: a value of JSON.
        new: another.
        path: that both are at.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            before, after = old.get(key, ABSENT), new.get(key, ABSENT)
            yield from differences(before, after, (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(old, new, path)
    elif not same(old, new):
        yield Difference(path, old, new)


def _of_lists(old: list[Any], new: list[Any], path: Path) -> Iterator[Difference]:
    """What lies between the beginning and the end that both have."""
    most = min(len(old), len(new))
    begin = next((n for n in range(most) if not same(old[n], new[n])), most)
    most -= begin
    end = next((n for n in range(most) if not same(old[-1 - n], new[-1 - n])), most)
    before, after = old[begin : len(old) - end], new[begin : len(new) - end]
    if len(after) > len(before) and end:  # nothing can be put in between: the list is told anew
        yield Difference(path, old, new)
        return
    for number in range(max(len(before), len(after))):
        was = before[number] if number < len(before) else ABSENT
        now = after[number] if number < len(after) else ABSENT
        yield from differences(was, now, (*path, begin + number))


def rewritten(raw: bytes, found: list[Difference]) -> bytes:
    """A document with some places changed, and every other byte as it was.

    Args:
        raw: the document, whose value is the old one.
        found: what is to change, by ``differences``.
    """
    if not found:
        return raw
    edits = Edits(raw)
    for each in found:
        each.into(edits)
    return edits.apply()
