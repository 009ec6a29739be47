"""Which image is held against which."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import diff, open_source, repack
from oci_layout.comparison.verdict import Verdict
from oci_layout.errors import NotAnImageError, SelectionError, UsageError
from oci_layout.finding import Findings
from tests.builders import (
    Image,
    go_json,
    make_image,
    write_dir,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.legacy import schema1, schema1_dir, steps_of, write_v1
from tests.builders.signing import key, signature, with_signatures
from tests.comparison.made import IMAGE, packed, plain, running, the_pair


def named(*names: str, text: bytes = b"x", architecture: str = "amd64") -> Image:
    return make_image([{"f": text}], names=names, architecture=architecture)


def paired(a: Path, b: Path, **how: object) -> list[tuple[str, str, str]]:
    """First name, platform and verdict of each pair."""
    found = diff(str(a), str(b), **how)  # type: ignore[arg-type]
    return [
        (
            pair.a.candidate.root.label.partition("@")[0],
            str(pair.b.candidate.platform),
            str(pair.verdict),
        )
        for pair in found.pairs
    ]


def test_one_image_with_one_image_whatever_the_names(tmp_path: Path) -> None:
    a = write_docker_archive([named("app:1")], tmp_path / "a.tar")
    b = write_oci_layout([named("other:2")], tmp_path / "b")
    assert the_pair(a, b).verdict is Verdict.SAME_IMAGE_ID
    nameless = write_dir(named(), tmp_path / "dir")
    assert the_pair(a, nameless).verdict is Verdict.SAME_IMAGE_ID
    arm = write_oci_layout([named("app:1", architecture="arm64")], tmp_path / "arm")
    assert the_pair(a, arm).verdict is Verdict.SAME_FILES


def test_by_name_then_by_image_id(tmp_path: Path) -> None:
    a = write_docker_archive(
        [named("app:1", text=b"1"), named("db:1", text=b"2"), named("old:1", text=b"3")],
        tmp_path / "a.tar",
    )
    b = write_oci_layout(
        [
            named("moved:1", text=b"3"),
            named("docker.io/library/db:1", text=b"changed"),
            named("app:1", text=b"1"),
            named("new:1", text=b"4"),
        ],
        tmp_path / "b",
    )
    found = diff(str(a), str(b))
    assert sorted(paired(a, b)) == [
        ("app:1", "linux/amd64", "same image ID"),
        ("db:1", "linux/amd64", "different"),
        ("old:1", "linux/amd64", "same image ID"),
    ]
    assert [str(each.root.names[0]) for each in found.b.alone] == ["new:1"]
    assert not found.a.alone
    assert found.verdict is Verdict.DIFFERENT


def test_an_image_that_has_no_match_makes_it_different(tmp_path: Path) -> None:
    a = write_oci_layout([named("app:1", text=b"1"), named("b:1", text=b"2")], tmp_path / "a")
    b = write_oci_layout([named("app:1", text=b"1")], tmp_path / "b")
    found = diff(str(a), str(b))
    assert [str(pair.verdict) for pair in found.pairs] == ["identical"]
    assert found.verdict is Verdict.DIFFERENT
    assert [str(each.root.names[0]) for each in found.a.alone] == ["b:1"]
    none = diff(str(a), str(b), images_a=("b:1",))
    assert none.pairs[0].verdict is Verdict.DIFFERENT


def test_two_names_that_stand_for_two_images_now(tmp_path: Path) -> None:
    a = write_oci_layout([named("app:1", "app:latest", text=b"1")], tmp_path / "a")
    b = write_oci_layout(
        [named("app:1", text=b"1"), named("app:latest", text=b"2")], tmp_path / "b"
    )
    found = diff(str(a), str(b))
    assert [str(pair.verdict) for pair in found.pairs] == ["identical", "different"]
    assert not found.b.alone


def test_a_bare_tag_that_repeats_is_paired_with_itself(tmp_path: Path) -> None:
    entries = [named(text=text).descriptor() for text in (b"1", b"2", b"3")]
    for entry in entries:
        entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    for folder, order in (("a", entries), ("b", entries[::-1])):
        images = [named(text=text) for text in (b"1", b"2", b"3")]
        layout = write_oci_layout(images, tmp_path / folder)
        index = {"schemaVersion": 2, "manifests": order}
        (layout / "index.json").write_bytes(go_json(index))
    found = diff(str(tmp_path / "a"), str(tmp_path / "b"))
    assert [str(pair.verdict) for pair in found.pairs] == ["identical"] * 3
    assert found.verdict is Verdict.IDENTICAL


def test_platforms_of_one_name(tmp_path: Path) -> None:
    amd, arm = named("app:1", text=b"1"), named("app:1", text=b"2", architecture="arm64")
    other = named("app:1", text=b"3", architecture="arm64")
    s390x = named("app:1", text=b"4", architecture="s390x")
    a = write_index_layout(tmp_path / "a", [amd, arm])
    b = write_index_layout(tmp_path / "b", [s390x, other, amd])
    assert paired(a, b) == [
        ("demo:1", "linux/amd64", "identical"),
        ("demo:1", "linux/arm64", "different"),
    ]
    found = diff(str(a), str(b))
    assert [str(each.platform) for each in found.b.alone] == ["linux/s390x"]
    reason = found.pairs[0].reasons[0]
    assert (reason.about, reason.differs) == ("index", True)
    assert "its entry for linux/arm64 points at another manifest" in reason.because
    assert "it lists linux/s390x in B alone" in reason.because
    assert paired(a, b, platforms=("linux/amd64",)) == [("demo:1", "linux/amd64", "identical")]


def test_attestations_make_another_index(tmp_path: Path) -> None:
    a = write_index_layout(tmp_path / "a", [named()])
    b = write_index_layout(tmp_path / "b", [named()], attestations=True)
    pair = the_pair(a, b)
    assert pair.verdict is Verdict.IDENTICAL
    assert pair.reasons[0].because == ("it lists an attestation in B alone",)


def test_an_index_and_a_single_manifest(tmp_path: Path) -> None:
    """Identical manifests, and two digests for a registry all the same."""
    a = write_index_layout(tmp_path / "a", [named("app:1")])
    b = write_oci_layout([named("app:1")], tmp_path / "b")
    pair = the_pair(a, b)
    assert pair.verdict is Verdict.IDENTICAL
    assert pair.reasons[0].text == "In A the name stands for an index, in B for one manifest."
    assert pair.consequences.registry is False
    assert pair.consequences.docker


def test_the_index_around_a_chosen_platform_counts(tmp_path: Path) -> None:
    amd, arm = named("app:1", text=b"1"), named("app:1", text=b"2", architecture="arm64")
    a = write_index_layout(tmp_path / "a", [amd, arm])
    b = write_index_layout(tmp_path / "b", [amd])
    pair = the_pair(a, b, platforms=("linux/amd64",))
    assert pair.verdict is Verdict.IDENTICAL
    assert pair.consequences.containerd is False


def test_images_are_chosen_on_both_sides_or_on_each(tmp_path: Path) -> None:
    one, two = named("app:1", text=b"1"), named("db:1", text=b"2")
    a = write_oci_layout([one, two], tmp_path / "a")
    b = write_oci_layout([named("app:2", text=b"1"), two], tmp_path / "b")
    assert paired(a, b, images=("db:1",)) == [("db:1", "linux/amd64", "identical")]
    assert paired(a, b, images_a=("app:1",), images_b=("app:2",)) == [
        ("app:1", "linux/amd64", "identical")
    ]
    assert paired(a, b, images=(one.config_digest,))[0][2] == "identical"
    with pytest.raises(SelectionError) as caught:
        diff(str(a), str(b), images=("app:1",))
    assert caught.value.where.file == str(b)
    assert "it is in A: --image-a app:1 --image-b app:2; B has app:2, db:1" in str(caught.value)
    with pytest.raises(SelectionError) as caught:
        diff(str(a), str(b), images_a=("app:2",))
    assert caught.value.where.file == str(a)
    assert "it is in B: --image-b app:2 --image-a app:1; A has app:1, db:1" in str(caught.value)
    with pytest.raises(SelectionError) as caught:
        diff(str(a), str(b), images=("nowhere:1",))
    assert caught.value.hint == "the source has app:1, db:1"
    with pytest.raises(SelectionError) as caught:
        diff(str(a), str(b), platforms=("linux/s390x",))
    assert caught.value.where.file == str(a)


def test_what_is_absent_is_told(tmp_path: Path) -> None:
    amd, arm = named("app:1", text=b"1"), named("app:1", text=b"2", architecture="arm64")
    a = write_index_layout(tmp_path / "a", [amd, arm])
    (a / "blobs/sha256" / arm.manifest_digest()[7:]).unlink()
    found = diff(str(a), str(write_index_layout(tmp_path / "b", [amd, arm])))
    assert plain(found)["a"]["absent"] == [
        {"digest": arm.manifest_digest(), "platform": "linux/arm64"}
    ]
    assert [str(each.platform) for each in found.b.alone] == ["linux/arm64"]


def test_a_signed_payload_that_is_no_document_has_no_fields(tmp_path: Path) -> None:
    """The document around it is one; what is signed is cut out of it as a signature says."""
    steps = steps_of({"a": b"1"})
    plain_one = schema1(steps)
    cut = signature(plain_one, key(), protected={"formatLength": 7})
    a = write_files(schema1_dir(steps, with_signatures(plain_one, [cut])), tmp_path / "a")
    b = write_files(schema1_dir(steps, plain_one), tmp_path / "b")
    pair = the_pair(a, b)
    assert pair.manifest == ()
    assert pair.verdict is the_pair(b, a).verdict is Verdict.SAME_IMAGE_ID


def test_older_formats_are_compared_as_what_engines_make_of_them(tmp_path: Path) -> None:
    steps = steps_of({"a": b"1"}, {"b": b"2"})
    v1 = write_v1(steps, tmp_path / "v1.tar", "app:1")
    signed = write_files(schema1_dir(steps, schema1(steps)), tmp_path / "schema1")
    pair = the_pair(v1, v1)
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert [each.about for each in pair.reasons].count("config") == 3
    between = the_pair(v1, signed)
    assert all(each.change.same_files for each in between.layers)
    assert between.a.manifest is None
    assert between.b.manifest is not None
    report = repack(str(v1), str(tmp_path / "out"), to="oci")
    image_id = report.images[0].image_id_after
    assert pair.a.config_digest == image_id
    assert the_pair(v1, tmp_path / "out").verdict is Verdict.SAME_IMAGE_ID


def test_sources_that_are_open_already(tmp_path: Path) -> None:
    path = str(write_oci_layout([IMAGE], tmp_path / "a"))
    with open_source(path, findings=Findings()) as source:
        assert diff(source, path).verdict is Verdict.IDENTICAL
        assert diff(source, source).verdict is Verdict.IDENTICAL


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    there = str(write_oci_layout([IMAGE], tmp_path / "a"))
    empty = str(write_oci_layout([], tmp_path / "empty"))
    with pytest.raises(SelectionError, match="no image to compare"):
        diff(there, empty)
    with pytest.raises(NotAnImageError):
        diff(there, str(tmp_path / "absent"))
    with pytest.raises(UsageError):
        diff("-", "-")
    with pytest.raises(UsageError):
        diff(there, there, platforms=("amd64",))


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    a = write_oci_layout([IMAGE], tmp_path / "a")
    b = write_oci_layout([running(packed(IMAGE, "gzip"), Shell=...)], tmp_path / "b")
    value = plain(diff(str(a), str(b)))
    assert value["verdict"] == "same files, other config"
    (pair,) = value["pairs"]
    assert pair["config"] == [
        {"field": "config.Shell", "instruction": "SHELL", "a": ["/bin/sh", "-c"]}
    ]
    assert pair["a"]["manifest"] == IMAGE.manifest_digest()
    assert pair["a"]["image_id"] == IMAGE.config_digest
    assert [layer["change"] for layer in pair["layers"]] == ["repacked", "repacked"]
    assert [layer["b"]["compression"] for layer in pair["layers"]] == ["gzip", "gzip"]
    assert pair["meaning"]["push_moves_tag"] is True


def test_a_manifest_alone(tmp_path: Path) -> None:
    """What was fetched of a registry: a manifest without its blobs says no more than it can."""
    lone = tmp_path / "manifest.json"
    lone.write_bytes(go_json(IMAGE.manifest()))
    there = str(write_oci_layout([IMAGE], tmp_path / "a"))
    with pytest.raises(SelectionError, match="no image to compare"):
        diff(there, str(lone))
