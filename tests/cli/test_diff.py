"""``layout diff``: exit statuses, what it shows, and what it prints for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    Layer,
    go_json,
    layer_tar,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.cli.test_terminal import EVIL, harmless
from tests.command import layout
from tests.comparison.made import IMAGE, edited, layered, packed, running
from tests.shared import ROOT

OTHER = layered(
    running(packed(IMAGE, "gzip"), Labels={EVIL: EVIL}, Healthcheck=...),
    (IMAGE.layers[0], Layer(layer_tar({f"f/{EVIL}".replace("\0", ""): b"1"}))),
)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    return {
        "a": write_docker_archive([IMAGE], tmp_path / "a.tar"),
        "same": write_hybrid_archive([packed(IMAGE, "gzip")], tmp_path / "same.tar"),
        "config": write_oci_layout([running(IMAGE, Shell=...)], tmp_path / "config"),
        "content": write_oci_layout([edited(IMAGE, author="")], tmp_path / "content"),
        "other": write_oci_layout([OTHER], tmp_path / "other"),
    }


@pytest.mark.parametrize(
    ("b", "status", "verdict"),
    [
        ("a", 0, "same image ID: "),
        ("same", 0, "same image ID: "),
        ("content", 0, "same content: "),
        ("config", 1, "same files, other config: "),
        ("other", 1, "different: "),
    ],
)
def test_the_verdict_comes_first(
    b: str, status: int, verdict: str, sources: dict[str, Path]
) -> None:
    for options in ((), ("--files",)):
        done = layout("diff", sources["a"], sources[b], *options)
        assert (done.returncode, done.stderr) == (status, b"")
        assert done.stdout.decode().startswith(verdict)
        assert b"What it means" in done.stdout
    done = layout("diff", sources["a"], sources[b], "--json")
    assert (done.returncode, done.stderr) == (status, b"")
    value = json.loads(done.stdout)
    assert (value["version"], value["verdict"]) == (1, verdict.removesuffix(": "))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("diff",), 2),
        (("diff", "{a}"), 2),
        (("diff", "-", "-"), 2),
        (("diff", "{a}", "{b}", "--platform", "amd64"), 2),
        (("diff", "{a}", "{b}", "--ignore", "created,time"), 2),
        (("diff", "{a}", "{b}", "--ignore", "mtime"), 2),
        (("diff", "{a}", "{tmp}/absent"), 3),
        (("diff", "{tmp}/text", "{b}"), 3),
        (("diff", "{a}", "{b}", "--image", "no:1"), 4),
        (("diff", "{a}", "{b}", "--image-b", "no:1"), 4),
        (("diff", "{a}", "{b}", "--platform", "linux/s390x"), 4),
    ],
)
def test_statuses(
    arguments: tuple[str, ...], status: int, sources: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "text").write_bytes(b"hello")
    places = {"{a}": sources["a"], "{b}": sources["same"], "{tmp}": tmp_path}
    words = []
    for word in arguments:
        for key, path in places.items():
            word = word.replace(key, str(path))  # noqa: PLW2901
        words.append(word)
    done = layout(*words)
    assert done.returncode == status, done.stderr
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(b"layout: ")


def test_one_source_from_standard_input(sources: dict[str, Path]) -> None:
    data = sources["a"].read_bytes()
    for words in (("-", sources["same"]), (sources["same"], "-")):
        done = layout("diff", *words, stdin=data)
        assert done.returncode == 0, done.stderr
        assert b"standard input: docker-archive" in done.stdout


def run(width: int, *arguments: object) -> list[str]:
    done = layout("diff", *arguments, columns=width)
    assert done.returncode in (0, 1), done.stderr
    harmless(done.stdout)
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_fit_the_terminal(width: int, sources: dict[str, Path]) -> None:
    """But for words that would be of no use in two parts: paths, digests, media types."""
    for b in ("same", "content", "config", "other"):
        for line in run(width, sources["a"], sources[b], "--files"):
            longest = max(map(len, line.split()), default=0)
            assert len(line) <= width or longest > width - 12, line


def test_text_of_images_is_harmless(sources: dict[str, Path]) -> None:
    shown = "\n".join(run(100, sources["a"], sources["other"], "--files", "--rootfs"))
    assert "\\x1b[31mred" in shown
    assert "\x1b" not in shown
    done = layout("diff", sources["a"], sources["other"], "--files", "--json")
    harmless(done.stdout)


def test_lines_of_a_text_are_harmless_and_fit(tmp_path: Path) -> None:
    evil = " ".join(EVIL.replace("\0", "").split())
    sides = []
    for name in ("a", "b"):
        text = f"same\n{name} {evil}\t{name * 500}\r\n".encode("utf-8", "replace")
        image = layered(IMAGE, (Layer(layer_tar({"etc/conf": text})),))
        sides.append(write_oci_layout([image], tmp_path / name))
    lines = run(80, *sides, "--files", "--rootfs")
    assert sum("@@ -1,2 +1,2 @@" in line for line in lines) == 2
    assert any(line.startswith("      +b ") for line in lines)
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    harmless(layout("diff", *sides, "--files", "--json").stdout)


def test_what_is_ignored_is_told(tmp_path: Path) -> None:
    other = edited(IMAGE, created="2001-01-01T00:00:00Z")
    a = write_oci_layout([IMAGE], tmp_path / "a")
    b = write_oci_layout([other], tmp_path / "b")
    assert layout("diff", a, b).returncode == 1
    done = layout("diff", a, b, "--ignore", "created,history", "--ignore", "CREATED")
    assert done.returncode == 0
    first = "same but for what is ignored: nothing differs but created and history\n"
    assert done.stdout.decode().startswith(first)
    value = json.loads(layout("diff", a, b, "--ignore", "created", "--json").stdout)
    assert value["ignored"] == ["created"]


def test_names_of_fields_stand_beside_the_words_of_a_dockerfile(sources: dict[str, Path]) -> None:
    shown = "\n".join(run(100, sources["a"], sources["config"]))
    assert "    - Shell (SHELL) is missing in B\n" in shown
    assert '  config.Shell (SHELL)\n    A  ["/bin/sh", "-c"]\n    B  absent\n' in shown


def test_several_images_are_told_one_by_one(tmp_path: Path) -> None:
    def image(name: str, text: bytes, architecture: str = "amd64") -> Any:
        return make_image([{"f": text}], names=(name,), architecture=architecture)

    a = write_oci_layout(
        [image("x:1", b"1"), image("y:1", b"2"), image("z:1", b"3")], tmp_path / "a"
    )
    b = write_oci_layout([image("x:1", b"1"), image("y:1", b"4")], tmp_path / "b")
    lines = run(80, a, b)
    assert lines[0] == "different: of the images, 1 identical, 1 different, 1 in A alone"
    assert "x:1  linux/amd64: identical" in lines
    assert "y:1  linux/amd64: different" in lines
    assert "In A alone" in lines
    both = [image("x:1", b"1"), image("x:1", b"2", "arm64")]
    c = write_index_layout(tmp_path / "c", both)
    d = write_index_layout(tmp_path / "d", both[::-1])
    lines = run(80, c, d)
    assert lines[0] == "identical: of the images, 2 identical"
    assert sum("The index digest differs because" in line for line in lines) == 1


def test_what_does_not_hold_is_told(tmp_path: Path) -> None:
    a = write_oci_layout([IMAGE], tmp_path / "a")
    b = write_oci_layout([IMAGE], tmp_path / "b")
    config = b / "blobs/sha256" / IMAGE.config_digest[7:]
    config.write_bytes(config.read_bytes().replace(b"/etc/motd", b"/etc/mutt"))
    done = layout("diff", a, b)
    assert done.returncode == 1
    assert done.stderr.startswith(b"B: error: blobs/sha256/")
    value = json.loads(layout("diff", a, b, "--json").stdout)
    assert [finding["code"] for finding in value["b"]["findings"]] == ["digest-mismatch"]


def test_many_fields_are_counted(tmp_path: Path) -> None:
    a = write_oci_layout([IMAGE], tmp_path / "a")
    more = running(IMAGE, Labels={f"label{number}": "x" * 500 for number in range(90)})
    lines = run(80, a, write_oci_layout([more], tmp_path / "b"))
    assert len(lines) < 200
    assert any("more; --json lists them" in line for line in lines)


KEYS = ROOT / "docs/diff.md"


def keys(value: Any) -> set[str]:
    """All keys of a JSON value, but for those that are an image's own."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item)}
    if not isinstance(value, dict):
        return set()
    found = set(value)
    for key, item in value.items():
        if "field" in value and key in ("a", "b"):
            continue
        if key != "xattrs":
            found |= keys(item)
    return found


def test_every_key_is_documented(sources: dict[str, Path], tmp_path: Path) -> None:
    text = KEYS.read_text(encoding="utf-8")
    broken = write_index_layout(tmp_path / "i", [IMAGE, make_image([{"a": b""}], variant="v2")])
    (broken / "blobs/sha256" / IMAGE.manifest_digest()[7:]).unlink()
    found: set[str] = set()
    for a, b in (("a", "other"), ("a", "config")):
        value = json.loads(
            layout("diff", sources[a], sources[b], "--json", "--files", "--rootfs").stdout
        )
        found |= keys(value)
    found |= keys(json.loads(layout("diff", sources["a"], broken, "--json").stdout))
    assert {"instruction", "absent", "attributes", "push_moves_tag"} <= found
    for key in found:
        assert f"`{key}`" in text, key


def test_json_is_stable(sources: dict[str, Path]) -> None:
    """Keys and types, which a program relies on."""
    value = json.loads(layout("diff", sources["a"], sources["same"], "--json").stdout)
    assert list(value) == ["version", "verdict", "a", "b", "pairs", "ignored"]
    assert list(value["a"]) == ["source", "source_kind", "only_here", "absent", "findings"]
    (pair,) = value["pairs"]
    assert list(pair) == [
        "verdict",
        "a",
        "b",
        "reasons",
        "manifest",
        "config",
        "layers",
        "files",
        "meaning",
        "layer_files",
        "rootfs",
        "ignorable",
    ]
    assert list(pair["a"]) == [
        "names",
        "platform",
        "index",
        "manifest",
        "media_type",
        "image_id",
        "made_from",
    ]
    assert pair["reasons"][0] == {
        "about": "manifest",
        "differs": None,
        "text": "A has no manifest to compare: an engine makes one when it loads it.",
        "because": [],
    }
    assert list(pair["layers"][0]) == ["change", "a", "b"]
    assert list(pair["layers"][0]["a"]) == [
        "number",
        "diff_id",
        "digest",
        "size",
        "media_type",
        "compression",
        "labelled",
        "present",
        "created_by",
    ]
    assert pair["meaning"] == {
        "docker_same_image_id": True,
        "containerd_same_image_id": None,
        "registry_same_digest": None,
        "push_moves_tag": None,
        "layers_shared": 0,
        "layers_to_upload": 2,
        "bytes_to_upload": sum(len(layer.stored) for layer in packed(IMAGE, "gzip").layers),
    }
    assert go_json(pair["manifest"]) == b"[]"
