"""Schema 1 manifests: upgraded from `dir:`, from layouts, and verified alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import compress, go_json, layer_tar, sha256, write_files, write_members
from tests.builders.legacy import (
    Step,
    schema1,
    schema1_dir,
    steps_of,
    wanted_config,
)
from tests.builders.signing import signed
from tests.command import layout, report
from tests.converting import Result, convert, convert_one, messages, refused, sound, verified

UNSIGNED = "application/vnd.docker.distribution.manifest.v1+json"
SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
EMPTY = Step(bytes(1024), ("/bin/sh", "-c", "#(nop) CMD"), throwaway=True)
THREE = steps_of({"a": b"1"}, {"b": b"2"}, {"c": b"3"})
MIXED = [EMPTY, THREE[0], EMPTY, THREE[1], THREE[2]]


def dir_of(steps: list[Step], folder: Path, raw: bytes | None = None, **options: Any) -> Path:
    manifest = schema1(steps, **options) if raw is None else raw
    compression = options.get("compression", "gzip")
    return write_files(schema1_dir(steps, manifest, compression=compression), folder / "in")


def layout_files(
    steps: list[Step], raw: bytes, digest: str, media_type: str, **entry: Any
) -> dict[str, bytes]:
    """A layout whose one entry is a schema 1 manifest."""
    blobs = [compress(step.layer, "gzip") for step in steps]
    files = {f"blobs/sha256/{sha256(data)[7:]}": data for data in blobs}
    top = {"mediaType": media_type, "digest": digest, "size": len(raw), **entry}
    return {
        **files,
        f"blobs/sha256/{digest[7:]}": raw,
        "index.json": go_json({"schemaVersion": 2, "manifests": [top]}),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }


@pytest.mark.parametrize("compression", ["gzip", "none", "zstd"])
def test_dir(compression: str, tmp_path: Path) -> None:
    """Reversed, with every field of the config; blobs may be raw though the format says gzip."""
    source = dir_of(THREE, tmp_path, compression=compression)
    result = convert_one(source, tmp_path, "--name", "demo:1")
    assert result.config == wanted_config(THREE)
    assert result.names == ("docker.io/library/demo:1",)
    status, found = verified(source)
    assert (status, found) == (0, {("note", "unsigned")})


def test_layers_are_kept(tmp_path: Path) -> None:
    """The blobs are copied, not packed anew."""
    source = dir_of(THREE, tmp_path)
    said = report(source, "--to", "oci", "-o", tmp_path / "out")
    (image,) = said["images"]
    assert [layer["action"] for layer in image["layers"]] == ["kept"] * 3
    wanted = [sha256(compress(step.layer, "gzip")) for step in THREE]
    assert [layer["after"] for layer in image["layers"]] == wanted
    assert image["image_id_before"] is None
    assert image["manifest_before"] == sha256(schema1(THREE))


def test_throwaway(tmp_path: Path) -> None:
    """A step without layer is a line of the history; its blob does not go along."""
    result = convert_one(dir_of(MIXED, tmp_path), tmp_path)
    assert result.config == wanted_config(MIXED)
    flags = [line.get("empty_layer", False) for line in result.config["history"]]
    assert flags == [True, False, True, False, False]
    packed = sha256(compress(bytes(1024), "gzip"))
    assert (tmp_path / "in" / packed[7:]).exists()
    assert not (tmp_path / "out/blobs/sha256" / packed[7:]).exists()


def test_throwaway_blob_may_be_absent(tmp_path: Path) -> None:
    source = dir_of(MIXED, tmp_path)
    (source / sha256(compress(bytes(1024), "gzip"))[7:]).unlink()
    assert convert_one(source, tmp_path).config == wanted_config(MIXED)
    assert verified(source)[0] == 0


def test_empty_layer_without_throwaway_stays(tmp_path: Path) -> None:
    """Only the flag drops a layer, not its content."""
    steps = [Step(bytes(1024)), *THREE]
    result = convert_one(dir_of(steps, tmp_path), tmp_path)
    assert result.diff_ids[0] == sha256(bytes(1024))
    assert len(result.diff_ids) == 4


def test_a_blob_both_thrown_away_and_kept(tmp_path: Path) -> None:
    steps = [EMPTY, Step(bytes(1024)), *THREE]
    result = convert_one(dir_of(steps, tmp_path), tmp_path)
    assert result.config == wanted_config(steps)


def test_consecutive_duplicates_count_once(tmp_path: Path) -> None:
    """Old versions of Docker repeated entries (moby, pull_v2.go: fixManifestLayers)."""
    value = json.loads(schema1(THREE))
    for name in ("fsLayers", "history"):
        first, second, third = value[name]
        value[name] = [first, first, second, third, third, third]
    source = dir_of(THREE, tmp_path, json.dumps(value, indent=3).encode())
    assert convert_one(source, tmp_path).config == wanted_config(THREE)


@pytest.mark.parametrize("with_signature", [False, True])
@pytest.mark.parametrize("form", ["dir", "dir.tar", "layout", "layout.tar"])
def test_places(form: str, with_signature: bool, tmp_path: Path) -> None:
    """In `dir:` or a layout, as a folder or packed; signed it goes by the payload's digest."""
    payload = schema1(MIXED)
    raw = signed(payload) if with_signature else payload
    if form.startswith("dir"):
        files = schema1_dir(MIXED, raw)
    else:
        kind = SIGNED if with_signature else UNSIGNED
        files = layout_files(MIXED, raw, sha256(payload), kind)
    source = tmp_path / "in"
    if form.endswith("tar"):
        write_members(files, source)
    else:
        write_files(files, source)
    result = convert_one(source, tmp_path)
    assert result.config == wanted_config(MIXED)
    said = report(source, "--to", "oci", "--dry-run")
    assert said["images"][0]["manifest_before"] == sha256(payload)
    sound(source, "--expect", sha256(payload))
    code = "signature-valid" if with_signature else "unsigned"
    assert ("note", code) in verified(source)[1]


def test_blob_by_the_digest_of_the_file(tmp_path: Path) -> None:
    """Who hashes what is there comes to another digest than the registry; that holds too."""
    raw = signed(schema1(THREE))
    write_files(layout_files(THREE, raw, sha256(raw), SIGNED), tmp_path / "in")
    assert convert_one(tmp_path / "in", tmp_path).config == wanted_config(THREE)
    sound(tmp_path / "in")


@pytest.mark.parametrize("entry", [{"digest": sha256(b"x")}, {"size": 5}])
@pytest.mark.parametrize("with_signature", [False, True])
def test_entry_that_lies(entry: Mapping[str, Any], with_signature: bool, tmp_path: Path) -> None:
    """The descriptor's digest and size are held against the file, signed or not."""
    payload = schema1(THREE)
    raw = signed(payload) if with_signature else payload
    files = layout_files(THREE, raw, sha256(payload), SIGNED if with_signature else UNSIGNED)
    index = json.loads(files["index.json"])
    index["manifests"][0] |= entry
    files["index.json"] = go_json(index)
    files[f"blobs/sha256/{index['manifests'][0]['digest'][7:]}"] = raw
    code = "size-mismatch" if "size" in entry else "digest-mismatch"
    refused(write_files(files, tmp_path / "in"), tmp_path / "to", code)


def test_names_of_a_layout(tmp_path: Path) -> None:
    """The name is the index's, not what the manifest says of itself."""
    raw = schema1(THREE)
    notes = {"io.containerd.image.name": "example.com/x:9"}
    files = layout_files(THREE, raw, sha256(raw), UNSIGNED, annotations=notes)
    result = convert_one(write_files(files, tmp_path / "in"), tmp_path)
    assert result.names == ("example.com/x:9",)


def test_several_in_one_layout(tmp_path: Path) -> None:
    """Two manifests that share layers and their words are two images."""
    one, two = ([Step(layer_tar({"a": text}))] for text in (b"1", b"2"))
    files: dict[str, bytes] = {}
    entries = []
    for name, steps in (("one", one), ("two", two)):
        raw = schema1(steps)
        files |= layout_files(steps, raw, sha256(raw), UNSIGNED)
        entry = json.loads(files["index.json"])["manifests"][0]
        notes = {"io.containerd.image.name": f"example.com/{name}:1"}
        entries.append({**entry, "annotations": notes})
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": entries})
    results: list[Result] = convert(write_files(files, tmp_path / "in"), tmp_path)
    assert {each.names: each.diff_ids for each in results} == {
        ("example.com/one:1",): (sha256(one[0].layer),),
        ("example.com/two:1",): (sha256(two[0].layer),),
    }


@pytest.mark.parametrize("form", ["plain", "signed"])
def test_lone_file(form: str, tmp_path: Path) -> None:
    """A manifest without its blobs: what can be checked is, and the absent is no error."""
    payload = schema1(THREE)
    raw = payload if form == "plain" else signed(payload)
    path = tmp_path / "manifest"
    path.write_bytes(raw)
    done = layout("verify", path, "--json")
    (value,) = json.loads(done.stdout)["reports"]
    assert (done.returncode, value["verdict"]) == (0, "sound")
    assert value["images"][0]["manifest"] == sha256(payload)
    code = "unsigned" if form == "plain" else "signature-valid"
    assert [each["code"] for each in value["findings"]] == [code]
    assert layout("verify", path, "--expect", sha256(payload)).returncode == 0
    assert layout("verify", path, "--expect", sha256(payload + b"\n")).returncode == 1


def test_lone_file_is_no_source_of_repack(tmp_path: Path) -> None:
    """There is nothing to write without the blobs."""
    path = tmp_path / "manifest"
    path.write_bytes(schema1(THREE))
    done = layout("repack", path, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 3
    assert not (tmp_path / "out").exists()


def test_preserve_digests(tmp_path: Path) -> None:
    """An upgrade makes a new manifest, so it is refused; a `dir:` of it likewise."""
    source = dir_of(THREE, tmp_path)
    for flags in (("--to", "oci", "-o", "out"), ("--to", "docker", "-o", "out.tar")):
        done = layout("repack", source, *flags[:3], tmp_path / flags[3], "--preserve-digests")
        assert done.returncode == 6, done.stderr
        assert not (tmp_path / flags[3]).exists()


def test_os_that_is_missing(tmp_path: Path) -> None:
    """Old documents do not say it; Linux is what there was."""
    steps = [Step(layer_tar({"a": b"1"}), extra={"os": None})]
    result = convert_one(dir_of(steps, tmp_path), tmp_path)
    assert result.config == {**wanted_config(steps), "os": "linux"}


def test_legacy_fields_go(tmp_path: Path) -> None:
    """Fields of the old chain are no part of a config."""
    extra = {"parent_id": "x", "layer_id": "y", "Size": 7, "config": {"Cmd": ["a"]}}
    steps = [Step(layer_tar({"a": b"1"}), extra=extra)]
    result = convert_one(dir_of(steps, tmp_path), tmp_path)
    assert not {"id", "parent", "parent_id", "layer_id", "Size", "throwaway"} & set(result.config)
    assert result.config["config"] == {"Cmd": ["a"]}


def test_words_in_any_script(tmp_path: Path) -> None:
    """Text of v1Compatibility comes through two layers of JSON unharmed."""
    words = ("/bin/sh", "-c", 'echo "\\u00e9 \u00e9 \U0001f600 <&> \u2028"')
    steps = [Step(layer_tar({"a": b"1"}), words)]
    result = convert_one(dir_of(steps, tmp_path), tmp_path)
    assert result.config["history"][0]["created_by"] == " ".join(words)
    assert messages(tmp_path / "in", "unsigned")
