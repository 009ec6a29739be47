"""Shapes that people reported to engines, for the matrix that is held against the engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.builders import write_hybrid_archive
from tests.builders.carried import write_carrying
from tests.builders.mistyped import MISTYPED
from tests.builders.named import of_cri, write_named
from tests.builders.paths import PATHS, Paths
from tests.builders.platforms import PLATFORMS
from tests.builders.shapes import SHAPES
from tests.builders.shapes import Make as Shape
from tests.builders.sparse import FORMATS, with_holes
from tests.builders.typed import MIXED, NO_IMAGE, OPAQUE, SPELLED, Typed
from tests.targets.joins import JOINS
from tests.targets.makes import Make, Maker
from tests.targets.test_sparse_members import large
from tests.targets.test_v1_folders import with_stray


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


def _of_cri(*, tags: bool) -> Make:
    def make(m: Maker) -> Path:
        image = m.image()
        repo_tags = ["demo:1", image.config_digest] if tags else None
        return write_named(image, of_cri(image), m.path(), repo_tags=repo_tags)

    return make


def _id_only(m: Maker) -> Path:
    image = m.image()
    return write_named(image, of_cri(image)[2:3], m.path())


REPORTED |= {
    "names: of a kubelet": _of_cri(tags=False),
    "names: of a kubelet, in RepoTags": _of_cri(tags=True),
    "names: an image ID": _id_only,
}


def _stray_folder(m: Maker) -> Path:
    return with_stray(m, ".cpt_hardlink_dir_a920e4dd/", None)


REPORTED["V1: a stray folder"] = _stray_folder


def _holes(form: str, *, beside: bool) -> Make:
    def make(m: Maker) -> Path:
        image = m.image() if beside else large(m)
        return with_holes(image, m.path(), form, beside=beside)

    return make


REPORTED |= {
    f"sparse, {form}, {'beside' if beside else 'a layer'}": _holes(form, beside=beside)
    for form in FORMATS
    for beside in (False, True)
}


def _shape(write: Shape) -> Make:
    return lambda m: write(m.image("demo:1"), m.path())


REPORTED |= {f"shapes: {name}": _shape(write) for name, write in SHAPES.items()}
REPORTED |= {f"platforms: {name}": _shape(write) for name, write in PLATFORMS.items()}
REPORTED |= {f"mistyped: {name}": _shape(write) for name, (write, _, _) in MISTYPED.items()}

REPORTED |= {f"merged: {name}": make for name, make in JOINS.items()}

REPORTED["carried: a config in data"] = _shape(write_carrying)


def _of_linux(m: Maker) -> Path:
    image = m.image()
    return write_hybrid_archive([replace(image, config={**image.config, "os": "Linux"})], m.path())


REPORTED["platforms: a config in upper case"] = _of_linux
