"""V1 folders as docker save before 1.1.1 called them: the folder is a key, the id is inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import DamagedError, verify
from tests.builders import go_json, write_members
from tests.builders.files import Members
from tests.builders.legacy import ids_of, steps_of, v1_files
from tests.repacked import image_docs, packed, repo_tags

STEPS = steps_of({"a": b"1"}, {"b": b"2"}, {"c": b"3"})
IDS = ids_of(STEPS)
TOP = IDS[-1]
# What the folder of the top image is called, and the tags that come of it.
FOLDERS = {
    "busybox:latest": ["busybox:latest"],
    "team-app:1.2": ["team-app:1.2"],
    TOP[:12]: [],
    "export": [],
}


def called(folder: str, *tags: str, of: str = TOP) -> Members:
    """The archive, one of whose folders is called otherwise."""
    return {
        name.replace(f"{of}/", f"{folder}/"): data for name, data in v1_files(STEPS, *tags).items()
    }


@pytest.mark.parametrize(("folder", "tags"), FOLDERS.items(), ids=list(FOLDERS))
def test_the_id_is_inside(folder: str, tags: list[str], tmp_path: Path) -> None:
    path = write_members(called(folder), tmp_path / "image.tar")
    assert not verify(str(path)).failed
    _, result = packed(path, tmp_path / "out.tar", "docker")
    _, plain = packed(write_members(v1_files(STEPS), tmp_path / "plain.tar"), tmp_path / "plain")
    assert result.configs == plain.configs
    assert repo_tags(result) == tags
    assert len(image_docs(result)) == 1


def test_a_parent_may_be_called_so_too(tmp_path: Path) -> None:
    path = write_members(called(IDS[0][:12], of=IDS[0]), tmp_path / "image.tar")
    _, result = packed(path, tmp_path / "out")
    ((manifest, _),) = image_docs(result)
    assert len(manifest["layers"]) == 3


def test_repositories_rule_over_the_folder(tmp_path: Path) -> None:
    members = called("busybox:latest")
    members["repositories"] = go_json({"demo": {"1": "busybox:latest", "2": TOP}})
    _, result = packed(write_members(members, tmp_path / "image.tar"), tmp_path / "out.tar")
    assert sorted(repo_tags(result)) == ["demo:1", "demo:2"]


@pytest.mark.parametrize("folder", ["busybox:latest", "export"])
def test_an_id_that_is_none_is_refused(folder: str, tmp_path: Path) -> None:
    members = called(folder)
    members[f"{folder}/json"] = go_json({"id": "../etc", "created": "2014-05-01T00:00:00Z"})
    with pytest.raises(DamagedError) as caught:
        packed(write_members(members, tmp_path / "image.tar"), tmp_path / "out")
    assert caught.value.code in ("bad-v1-id", "v1-parent-missing")
