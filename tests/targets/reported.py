"""Shapes that people reported to engines, for the matrix that is held against the engines."""

from __future__ import annotations

from tests.builders.paths import PATHS, Paths
from tests.targets.makes import Make


def _paths(paths: Paths) -> Make:
    return lambda m: paths.write(m.image(), m.path())


REPORTED: dict[str, Make] = {f"paths: {name}": _paths(paths) for name, paths in PATHS.items()}
