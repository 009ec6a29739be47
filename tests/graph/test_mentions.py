"""What is named many times is read, judged and compared once; what cannot be bounded is refused."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import check, diff, inspect, limits
from oci_layout.api.verification import verify
from oci_layout.blobs.run import examine
from oci_layout.errors import SelectionError
from oci_layout.filediff import aligning
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image
from oci_layout.graph.walk import every
from oci_layout.model import manifest
from oci_layout.model.config import Config
from oci_layout.source import blobs, opening
from oci_layout.targets import containerd, unpacking
from oci_layout.verification import blobs as verified
from oci_layout.where import Where
from tests.builders.image import make_image
from tests.builders.layout import write_oci_layout

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def layout(dest: Path, entries: list[dict[str, Any]], *stored: bytes) -> Path:
    (dest / "blobs/sha256").mkdir(parents=True)
    (dest / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    (dest / "index.json").write_bytes(compact({"schemaVersion": 2, "manifests": entries}))
    for data in stored:
        (dest / "blobs/sha256" / digest(data)[7:]).write_bytes(data)
    return dest


def artifact(number: int) -> bytes:
    blob = entry("a/b", b"x")
    config = entry("application/vnd.oci.empty.v1+json", b"{}")
    return compact(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "a/b",
            "config": config,
            "layers": [blob] * number,
        }
    )


def many(dest: Path, mentions: int, held: int) -> Path:
    document = artifact(held)
    notes = [{"n": str(number)} for number in range(mentions)]
    entries = [entry(MANIFEST, document, annotations=each) for each in notes]
    return layout(dest, entries, document, b"{}", b"x")


def test_blobs_of_an_artifact_are_held_once_for_all_its_mentions(tmp_path: Path) -> None:
    with opening.open_source(str(many(tmp_path / "l", 20, 30)), findings=Findings()) as source:
        found = [node for _, node in every(source.roots) if isinstance(node, Artifact)]
        assert len(found) == 20
        assert len({id(node.blobs) for node in found}) == 1
        assert len({node.descriptor.annotations["n"] for node in found}) == 20


def test_mentions_times_blobs_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NODES", 100)
    findings = Findings()
    with opening.open_source(str(many(tmp_path / "l", 20, 30)), findings=findings) as source:
        found = [node for _, node in every(source.roots) if isinstance(node, Artifact)]
    assert [each.code for each in findings.errors] == ["index-depth"]
    assert len(found) == 3


def saved(dest: Path, entries: list[dict[str, Any]], files: dict[str, bytes]) -> Path:
    dest.mkdir()
    (dest / "manifest.json").write_bytes(compact(entries))
    for name, data in files.items():
        (dest / name).write_bytes(data)
    return dest


CONFIG = compact(
    {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
)


def test_a_config_of_many_entries_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0
    real = Config.from_bytes

    def counted(*args: Any, **options: Any) -> Config | None:
        nonlocal parsed
        parsed += 1
        return real(*args, **options)

    monkeypatch.setattr(Config, "from_bytes", counted)
    entries = [{"Config": "c.json", "RepoTags": [f"a:{n}"], "Layers": []} for n in range(30)]
    source = saved(tmp_path / "s", entries, {"c.json": CONFIG})
    with opening.open_source(str(source), findings=Findings()) as opened:
        assert len(opened.contents.docker) == 30
    assert parsed == 1


def v1(dest: Path, leaves: int, comment: int) -> Path:
    base = hashlib.sha256(b"base").hexdigest()
    steps = {base: {"id": base, "comment": "x" * comment}}
    for number in range(leaves):
        name = hashlib.sha256(str(number).encode()).hexdigest()
        steps[name] = {"id": name, "parent": base}
    for name, value in steps.items():
        folder = dest / name
        folder.mkdir(parents=True)
        (folder / "VERSION").write_bytes(b"1.0")
        (folder / "json").write_bytes(
            compact({"created": "2015-01-01T00:00:00Z", "os": "linux", **value})
        )
        (folder / "layer.tar").write_bytes(bytes(1024))
    return dest


def test_configs_made_of_v1_images_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MADE_BYTES", 50_000, raising=False)
    findings = Findings()
    with opening.open_source(str(v1(tmp_path / "v", 30, 10_000)), findings=findings) as source:
        made = sum(node.config.size for _, node in every(source.roots) if isinstance(node, Image))
    assert [each.code for each in findings.errors] == ["document-too-large"]
    assert made < 70_000


def test_steps_of_v1_images_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NODES", 20)
    findings = Findings()
    with opening.open_source(str(v1(tmp_path / "v", 30, 1)), findings=findings) as source:
        assert len(source.roots) == 10
    assert [each.code for each in findings.errors] == ["v1-depth"]


@pytest.mark.parametrize("links", [1, 25])
def test_a_file_that_many_links_lead_to_is_read_once(
    links: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = examine

    def counted(task: Any, pool: Any, inside: Any = None) -> Any:
        read.append(task.member.name)
        return real(task, pool, inside)

    monkeypatch.setattr(verified, "examine", counted)
    source = layout(tmp_path / "l", [])
    (source / "z").write_bytes(b"z")
    for number in range(links):
        name = hashlib.sha256(str(number).encode()).hexdigest()
        (source / "blobs/sha256" / name).symlink_to("../../z")
    with tarfile.open(tmp_path / "l.tar", "w") as archive:  # links follow what they lead to
        for name in ("oci-layout", "index.json", "z", "blobs"):
            archive.add(source / name, name)
    report = verify(str(tmp_path / "l.tar"))
    codes = [finding.code for finding in report.findings]
    assert codes.count("orphan") == codes.count("digest-mismatch") == links
    assert len(read) == 1


def test_an_image_is_unpacked_once_however_many_tags_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oci_layout.api.checking import check  # noqa: PLC0415

    unpacked = 0
    real = unpacking.unpack_saved

    def counted(*args: Any) -> None:
        nonlocal unpacked
        unpacked += 1
        real(*args)

    monkeypatch.setattr(containerd, "unpack_saved", counted)
    entries = [{"Config": "c.json", "RepoTags": [f"a:{n}" for n in range(30)], "Layers": []}]
    source = saved(tmp_path / "s", entries, {"c.json": CONFIG})
    check(str(source), targets="containerd@1.7")
    assert unpacked <= 1


def test_lines_that_repeat_are_held_against_each_other_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("that search is cubic")

    monkeypatch.setattr(aligning, "_searched", never)
    codes = aligning.align(["x", "y"] * 1000, ["x", "z"] * 1000)
    assert codes[0] == ("equal", 0, 1, 0, 1)
    assert {kind for kind, *_ in codes} == {"equal", "replace"}
    assert codes[-1] == ("replace", 1999, 2000, 1999, 2000)


def test_lines_that_are_few_are_searched() -> None:
    assert aligning.align("abcd", "axbcd") == [
        ("equal", 0, 1, 0, 1),
        ("insert", 1, 1, 1, 2),
        ("equal", 1, 4, 2, 5),
    ]


def test_more_than_anybody_reads_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SHOWN_BLOBS", 100)
    with pytest.raises(SelectionError, match="more than 100 layers and blobs"):
        inspect(str(many(tmp_path / "l", 20, 30)))


def test_pairs_of_more_layers_than_anybody_reads_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image([{"a": b"a"}, {"b": b"b"}, {"c": b"c"}], names=("demo:1",))
    source = str(write_oci_layout([image], tmp_path / "l"))
    monkeypatch.setattr(limits, "SHOWN_BLOBS", 3)
    assert diff(source, source).verdict == "identical"
    monkeypatch.setattr(limits, "SHOWN_BLOBS", 2)
    with pytest.raises(SelectionError, match="more than 2 layers and blobs"):
        diff(source, source)


def test_check_reads_what_opening_has_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = manifest.read_document

    def counted(raw: bytes, where: Where, findings: Findings, **options: Any) -> Any:
        read.append(where.member)
        return whole(raw, where, findings, **options)

    monkeypatch.setattr(blobs, "read_document", counted)
    check(str(many(tmp_path / "l", 3, 2)))
    assert read
    assert len(read) == len(set(read))
