"""Fields of manifests and indexes of wrong types: refused, told by check, and repaired."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.errors import DamagedError
from tests.builders import write_hybrid_archive
from tests.builders.mistyped import MISTYPED
from tests.builders.trees import edit
from tests.independent import check
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

REFUSED = [name for name, (_, containerd, _) in MISTYPED.items() if containerd]


@pytest.mark.parametrize("name", MISTYPED)
def test_what_engines_make_of_it(name: str, tmp_path: Path) -> None:
    make, containerd, image = MISTYPED[name]
    path = make(Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    for target, refused in (("containerd@1.6", containerd), ("skopeo@1.9+oci-archive", image)):
        found = answer(path, target)
        assert found.loads is not refused
        if refused:
            assert "bad-document" in codes(found)["reasons"]
            # With urls a layer is one that is to be fetched, and skopeo would.
            assert ("--repair" in found.repair) is ("urls" not in name)


@pytest.mark.parametrize("name", REFUSED)
def test_repaired(name: str, tmp_path: Path) -> None:
    path = MISTYPED[name][0](Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    report = verify(str(path))
    assert [each.code for each in report.findings if each.severity == "error"] == ["mistyped-field"]
    with pytest.raises(DamagedError, match="expected"):
        repack(str(path), str(tmp_path / "refused.tar"), to="oci")
    for to in ("oci", "docker"):
        dest = tmp_path / f"{to}.tar"
        repack(str(path), str(dest), to=to, repair=True)
        check(dest)
        assert not verify(str(dest)).failed
        assert answer(dest, "containerd@1.6").loads


@pytest.mark.parametrize(
    ("target", "loads"),
    [("containerd@1.6", True), ("containerd@1.7", False), ("skopeo@1.9", True), ("skopeo", False)],
)
def test_what_a_newer_specification_brought(target: str, loads: bool, tmp_path: Path) -> None:
    make, _, _ = MISTYPED["a type of an artifact that is a number"]
    path = make(Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    assert answer(path, target).loads is loads


def test_a_number_becomes_a_text(tmp_path: Path) -> None:
    path = MISTYPED["a number among annotations"][0](
        Maker(tmp_path).image("demo:1"), tmp_path / "x.tar"
    )
    dest = tmp_path / "out"
    report = repack(str(path), str(dest), to="oci", repair=True)
    (raw,) = check(dest).manifests.values()
    assert raw["annotations"] == {"a": "1"}
    (image,) = report.images
    assert [change.field for change in image.changes] == ["annotations['a']"]


def test_docker_does_not_look(tmp_path: Path) -> None:
    """Its classic store reads manifest.json; podman falls back on it, too."""
    path = write_hybrid_archive([Maker(tmp_path).image("demo:1")], tmp_path / "x.tar")
    edit(
        path,
        lambda files: files.update(
            {
                "index.json": files["index.json"].replace(
                    b'"annotations":{', b'"annotations":{"a":1,'
                )
            }
        ),
    )
    assert answer(path, "docker@20.10").loads
    assert answer(path, "podman@4.3").loads
    assert not answer(path, "containerd@1.7").loads
