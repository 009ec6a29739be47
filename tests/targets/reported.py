"""Shapes that people reported to engines, for the matrix that is held against the engines."""

from __future__ import annotations

from tests.builders.paths import PATHS, Paths
from tests.builders.typed import MIXED, NO_IMAGE, OPAQUE, SPELLED, Typed
from tests.targets.makes import Make


def _paths(paths: Paths) -> Make:
    return lambda m: paths.write(m.image(), m.path())


def _typed(typed: Typed, *, hybrid: bool) -> Make:
    return lambda m: typed.write(m.image(), m.path(), hybrid=hybrid)


REPORTED: dict[str, Make] = {f"paths: {name}": _paths(paths) for name, paths in PATHS.items()}
REPORTED |= {
    f"types: {name}": _typed(typed, hybrid=False)
    for name, typed in (OPAQUE | SPELLED | MIXED | NO_IMAGE).items()
}
REPORTED |= {
    f"types, hybrid: {name}": _typed(typed, hybrid=True)
    for name, typed in (OPAQUE | SPELLED | MIXED).items()
}
