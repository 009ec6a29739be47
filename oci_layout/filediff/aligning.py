"""Two sequences side by side: what is equal, what stands in another's place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from itertools import groupby

Code = tuple[str, int, int, int, int]

STEPS = 4_000_000  # of the search for common runs: a second at most
_SHORT = 200  # items of which none comes too often, as difflib has it


def affordable(steps: int) -> bool:
    """Whether so many steps of a search may be done."""
    return steps <= STEPS


def align(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    *,
    rare: bool = False,
    spend: Callable[[int], bool] = affordable,
) -> list[Code]:
    """What becomes of ``a`` on its way to ``b``: the codes of ``difflib``.

    Common runs are searched where that is cheap. Where lines repeat so often that it would take
    cubic time, the items between the common ends are held against each other by number.

    Args:
        a: the first sequence.
        b: the second.
        rare: whether only what does not come often begins a common run, as suits lines of text.
        spend: whether a search of so many steps at most may be done.
    """
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    stop_a, stop_b = len(a) - end, len(b) - end
    inner_a, inner_b = a[start:stop_a], b[start:stop_b]
    codes: list[Code] = [("equal", 0, start, 0, start)] if start else []
    searched = spend(_steps(inner_a, inner_b, rare=rare))
    found = _searched(inner_a, inner_b, rare=rare) if searched else _by_number(inner_a, inner_b)
    codes += [
        (kind, a0 + start, a1 + start, b0 + start, b1 + start) for kind, a0, a1, b0, b1 in found
    ]
    if end:
        codes.append(("equal", stop_a, len(a), stop_b, len(b)))
    return codes


def _steps(a: Sequence[Hashable], b: Sequence[Hashable], *, rare: bool) -> int:
    """The bound of a search: each run found may look at every pair of equal items again."""
    there = Counter(b)
    if rare and len(b) >= _SHORT:
        often = len(b) // 100 + 1
        there = Counter({item: count for item, count in there.items() if count <= often})
    return sum(there[item] for item in a) * min(len(a), len(b))


def _searched(a: Sequence[Hashable], b: Sequence[Hashable], *, rare: bool) -> list[Code]:
    return list(SequenceMatcher(None, a, b, autojunk=rare).get_opcodes())


def _by_number(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Code]:
    both = min(len(a), len(b))
    codes: list[Code] = []
    for same, run in groupby(range(both), key=lambda n: a[n] == b[n]):
        numbers = list(run)
        first, last = numbers[0], numbers[-1] + 1
        codes.append(("equal" if same else "replace", first, last, first, last))
    if len(a) > both:
        codes.append(("delete", both, len(a), both, both))
    if len(b) > both:
        codes.append(("insert", both, both, both, len(b)))
    return codes
