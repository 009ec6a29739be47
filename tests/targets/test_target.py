"""How targets are spelled, and which rows of a table hold for a version."""

from __future__ import annotations

import pytest

from oci_layout.errors import UsageError
from oci_layout.targets.docker import PACKINGS, V1
from oci_layout.targets.importing import IMPORTS
from oci_layout.targets.target import ENGINES, USUAL, Since, Target, at
from oci_layout.targets.traits import TRAITS


@pytest.mark.parametrize(
    ("text", "shown", "variant"),
    [
        ("docker@20.10", "docker@20.10", "classic"),
        ("docker@23.0.1", "docker@23.0.1", "classic"),
        ("docker@v26", "docker@26", "classic"),
        ("docker@29+containerd", "docker@29+containerd", "containerd"),
        ("docker@29+classic", "docker@29", "classic"),
        ("docker", "docker@29", "classic"),
        ("containerd@1.6.20", "containerd@1.6.20", ""),
        ("skopeo@1.9+docker-archive", "skopeo@1.9+docker-archive", "docker-archive"),
        ("k3s@v1.30.2+k3s1", "k3s@1.30.2", ""),
        ("rke2@v1.30.2+rke2r1", "rke2@1.30.2", ""),
        ("cri-o", "cri-o@1.34", ""),
    ],
)
def test_spelling(text: str, shown: str, variant: str) -> None:
    target = Target.parse(text)
    assert (str(target), target.variant) == (shown, variant)
    assert str(Target.parse(shown)) == shown


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "known are docker"),
        ("dokcer@20", "did you mean docker?"),
        ("docker@latest", "known are"),
        ("docker 20", "known are"),
        ("docker@29+vfs", "+containerd"),
        ("docker@20.10+containerd", "from 24 on"),
        ("containerd@1.4", "older than 1.5"),
        ("podman@3.4", "older than 4"),
        ("podman@5+k3s1", "may follow nothing"),
        ("\x1b[31m", "known are"),
    ],
)
def test_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError) as refused:
        Target.parse(text)
    assert word in str(refused.value)
    assert refused.value.exit_status == 2


def test_the_usual_ones_are_targets() -> None:
    assert [str(Target.parse(text)).partition("@")[0] for text in USUAL]
    named = {Target.parse(text).name for text in USUAL}
    assert named == {name for name, engine in ENGINES.items() if engine.usual}


@pytest.mark.parametrize(
    "table", [PACKINGS, V1, *IMPORTS.values(), *TRAITS.values()], ids=lambda table: table[0].source
)
def test_tables_ascend_and_say_how_one_knows(table: tuple[Since[object], ...]) -> None:
    versions = [row.version for row in table]
    assert versions == sorted(set(versions))
    assert all(row.source for row in table)


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("docker@99", (29,)),
        ("containerd@2.2", (2, 1)),
        ("docker", None),
        ("docker@29.1.3", None),
        ("containerd@2.1.9", None),
        ("podman@4.3", None),
    ],
)
def test_a_version_that_is_not_known_yet(text: str, newest: tuple[int, ...] | None) -> None:
    assert Target.parse(text).taken_for == newest


def test_a_row_holds_until_the_next() -> None:
    table = [Since(version=(1,), value="a", source=""), Since(version=(2, 3), value="b", source="")]
    assert [at(table, version).value for version in ((0,), (1,), (2, 2, 9), (2, 3), (9,))] == [
        "a",
        "a",
        "a",
        "b",
        "b",
    ]
