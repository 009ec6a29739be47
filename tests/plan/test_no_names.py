"""Texts that are no image names stay what they are where an engine keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import UsageError, repack, verify
from tests.builders import IMAGE_NAME, REF_NAME, make_image
from tests.builders.named import of_cri, write_named
from tests.repacked import entry_notes, packed, repo_tags

IMAGE = make_image([{"a": b"1"}], names=("demo:1",))
ID = IMAGE.config_digest
# What containerd has for a name, each with its `ref.name`, and the codes that are found.
KEPT = {
    "an image ID": (ID, ID, set()),
    "an image ID, no ref.name": (ID, "", set()),
    "a digest of sha512": ("sha512:" + "ab" * 64, "", set()),
    "capitals": ("MyApp:1.0", "1.0", {"bad-name"}),
    "a comma between two": ("a:1,b:2", "a:1,b:2", {"bad-name"}),
    "a blank between two": ("a:1 b:2", "", {"bad-name"}),
    "64 hex digits": (ID.removeprefix("sha256:"), "", {"bad-name"}),
    "a plus sign": ("demo:1+build.5", "1+build.5", {"bad-name"}),
}
# The same of `ref.name` alone: containerd takes what has a colon as it is.
REFS = ["v1.0.0+build.5", "stable/x86:2024+1", "a:1,b:2", "MyApp:1.0", ID, f"@{ID}"]


def _notes(name: str, ref: str) -> dict[str, str]:
    return {IMAGE_NAME: name, **({REF_NAME: ref} if ref else {})}


@pytest.mark.parametrize("out", ["out", "out.tar"])
@pytest.mark.parametrize("case", KEPT)
def test_containerd_s_name_is_kept(case: str, out: str, tmp_path: Path) -> None:
    name, ref, codes = KEPT[case]
    source = write_named(IMAGE, [_notes(name, ref)], tmp_path / "in.tar")
    assert {each.code for each in verify(str(source)).findings} == codes
    _, result = packed(source, tmp_path / out)
    (notes,) = entry_notes(result)
    assert notes[IMAGE_NAME] == name
    assert not verify(str(tmp_path / out)).failed


@pytest.mark.parametrize("case", KEPT)
def test_docker_gets_no_tag_of_it_and_that_is_said(case: str, tmp_path: Path) -> None:
    name, ref, _ = KEPT[case]
    source = write_named(IMAGE, [_notes(name, ref)], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / "out.tar", "docker")
    assert repo_tags(result) == []
    assert "no-repo-tag" in {each.code for each in report.warnings}


@pytest.mark.parametrize("ref", REFS)
def test_a_ref_name_is_kept(ref: str, tmp_path: Path) -> None:
    source = write_named(IMAGE, [{REF_NAME: ref}], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out")
    assert entry_notes(result) == [{REF_NAME: ref}]


def test_all_names_of_a_kubelet(tmp_path: Path) -> None:
    notes = of_cri(IMAGE)
    tags = ["demo:1", f"demo@{IMAGE.manifest_digest()}", ID]
    source = write_named(IMAGE, notes, tmp_path / "in.tar", repo_tags=tags)
    assert not verify(str(source)).failed
    _, result = packed(source, tmp_path / "out.tar")
    assert {each[IMAGE_NAME] for each in entry_notes(result)} == {
        each[IMAGE_NAME] for each in notes
    }
    assert repo_tags(result) == ["demo:1"]


def test_an_image_id_chooses_the_image_with_all_its_names(tmp_path: Path) -> None:
    source = write_named(IMAGE, of_cri(IMAGE), tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out", images=(ID,))
    assert len(entry_notes(result)) == 4


def test_an_image_id_is_no_new_name(tmp_path: Path) -> None:
    source = write_named(IMAGE, [{REF_NAME: "1"}], tmp_path / "in.tar")
    with pytest.raises(UsageError, match="is a digest"):
        repack(str(source), str(tmp_path / "out"), to="oci", names=(ID,))


@pytest.mark.parametrize("tag", [ID, "demo:1"])
def test_repo_tags_that_are_ids_are_names_of_nobody(tag: str, tmp_path: Path) -> None:
    source = write_named(IMAGE, [{REF_NAME: "1"}], tmp_path / "in.tar", repo_tags=[tag, ID])
    _, result = packed(source, tmp_path / "out.tar", "docker")
    assert repo_tags(result) == [each for each in [tag] if each != ID]
