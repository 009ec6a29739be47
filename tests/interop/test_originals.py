"""What was converted with ``--keep-original`` loads as before: no engine sees what lies beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack, verify
from tests.builders import name_annotations
from tests.builders.artifacts import make_artifact, of_image, write_layout
from tests.interop.built import Builder
from tests.interop.shown import Engine

WAYS: dict[str, dict[str, Any]] = {
    "docker": {"to": "docker"},
    "gzip": {"to": "oci", "compression": "gzip"},
}


@pytest.mark.parametrize("way", WAYS)
def test_it_loads_and_runs_as_without(
    engine: Engine, builder: Builder, way: str, tmp_path: Path
) -> None:
    """The same names, image IDs and layers; the original and what refers to it are not seen."""
    made = builder.image(f"kept-{way}:1")
    part = of_image(made)
    referrer = make_artifact(b"a bundle", artifact_type="application/x", subject=part.entry())
    entries = [part.entry(annotations=name_annotations(f"kept-{way}:1"))]
    source = write_layout(tmp_path / "in", entries, part, referrer)
    folder = engine.host.new_dir("kept")
    seen = {}
    for kept in (False, True):
        dest = folder / f"{kept}.tar"
        repack(source, dest, keep_original=kept, **WAYS[way])
        codes = {each.code for each in verify(str(dest)).findings}
        assert ("original-kept" in codes) is kept
        engine.clear()
        engine.load(dest)
        seen[kept] = engine.images()
        (found,) = builder.wanted(made).values()
        (name,) = [key for key, each in seen[kept].items() if each.image_id == made.config_digest]
        assert engine.cat(name, found.file) == found.content
    assert seen[True] == seen[False]
    assert len(seen[True]) == 1
    engine.clear()
