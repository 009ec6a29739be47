"""Opening sources in tests, and what they hold in a form that compares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import images
from oci_layout.source.opening import Source, open_source
from tests import builders


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """An open source; it fails fast."""
    with open_source(str(path)) as source:
        yield source


def held(path: Path) -> dict[tuple[str, ...], list[Image]]:
    """The images of a source by the names of each root."""
    with opened(path) as source:
        return by_names(source.roots)


def by_names(roots: tuple[Root, ...]) -> dict[tuple[str, ...], list[Image]]:
    """Images by sorted familiar names."""
    found: dict[tuple[str, ...], list[Image]] = {}
    for root in roots:
        key = tuple(sorted(map(str, root.names)))
        found.setdefault(key, []).extend(images(root.node))
    return found


def assert_holds(path: Path, *expected: builders.Image) -> None:
    """Assert that a source holds exactly these images under their names, layers and all."""
    with opened(path) as source:
        found = by_names(source.roots)
        assert sorted(found) == sorted(tuple(sorted(image.names)) for image in expected)
        for image in expected:
            (read,) = [
                each
                for each in found[tuple(sorted(image.names))]
                if str(each.config.digest) == image.config_digest
            ]
            assert read.complete
            assert read.config_member.read(1 << 20) == image.config_bytes
            assert len(read.layers) == len(image.layers)
            for layer, built in zip(read.layers, image.layers, strict=True):
                assert layer.member is not None
                assert layer.member.read(1 << 24) == built.stored
                assert str(layer.diff_id) == built.diff_id


def warnings_of(path: Path) -> list[str]:
    """Codes of the warnings of opening."""
    with opened(path) as source:
        return [finding.code for finding in source.findings.warnings]


def refused(path: Path) -> DamagedError:
    """The error that opening a damaged source ends in."""
    with pytest.raises(DamagedError) as caught, opened(path):
        pass
    assert caught.value.exit_status == 3
    return caught.value


def collected(path: Path) -> Findings:
    """All findings of a source, none of them raised."""
    findings = Findings()
    open_source(str(path), findings=findings).close()
    return findings
