"""What `layout verify` prints, for people and for programs, and the sums it writes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.builders import (
    Layer,
    make_image,
    pack_tree,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_oci_layout,
)
from tests.command import layout, process, the_line
from tests.verification.checking import layout_of, special, tar_of
from tests.verification.running import IMAGE, run


def test_sums_across_the_gap(sound: Path, tmp_path: Path) -> None:
    """Made of a directory, checked by sha256sum there, and against the archive of it here."""
    odd_name = sound / "a name with\nnewline and \\"
    odd_name.write_bytes(b"x")
    sums = tmp_path / "sums"
    assert run(sound, "--sums", sums)[0] == 0
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", sums], cwd=sound, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = sum(path.is_file() for path in sound.rglob("*"))
    assert done.stdout.count(b": OK") == files
    archives = [pack_tree(sound, tmp_path / "x.tar"), pack_tree(sound, tmp_path / "y.tar", "./")]
    for source in (sound, *archives):
        status, text = run(source, "--against", sums)
        assert status == 0, text
    (sound / "oci-layout").write_bytes(b'{"imageLayoutVersion": "1.0.0"}')
    odd_name.unlink()
    (sound / "new").write_bytes(b"")
    status, text = run(sound, "--against", sums)
    assert status == 1
    for code in ("error sums-mismatch", "error sums-missing", "note sums-extra"):
        assert text.count(code) == 1


def test_images_of_one_id_are_told_apart(tmp_path: Path) -> None:
    """By their manifests: one image, packed in two ways. So does an error name them."""
    two = [make_image([{"a": b"x"}], names=(), compression=each) for each in ("none", "gzip")]
    source = write_oci_layout([*two, make_image([{"b": b"x"}], names=())], tmp_path / "x")
    _, text = run(source)
    for image in two:
        assert f", manifest {image.manifest_digest()[:19]}  " in text
    assert text.count(", manifest ") == 2
    line = the_line(layout("files", source), 4)
    assert all(image.manifest_digest() in line for image in two)
    chosen = layout("files", source, "--image", two[1].manifest_digest())
    assert chosen.returncode == 0


def test_sums_that_sha256sum_made(sound: Path, tmp_path: Path) -> None:
    sums = tmp_path / "sums"
    for words in ("find . -type f -exec sha256sum {} +", "find . -type f | xargs sha256sum -b"):
        with sums.open("wb") as out:
            subprocess.run(["sh", "-c", words], cwd=sound, stdout=out, check=True)
        status, text = run(sound, "--against", sums)
        assert (status, "sums-" in text) == (0, False)
    sums.write_text("not a line of sums\n")
    assert "line 1" in the_line(layout("verify", sound, "--against", sums), 2)
    the_line(layout("verify", sound, "--against", tmp_path / "absent"), 2)
    the_line(layout("verify", sound, "--sums", tmp_path / "absent/sums"), 5)
    the_line(layout("verify", sound, sound, "--sums", sums), 2)


def shape(value: Any) -> Any:
    """Keys and types, which a program relies on."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_json(damaged: Path, odd: Path) -> None:
    done = layout("verify", damaged, odd, "--json")
    assert (done.returncode, done.stderr) == (1, b"")
    value = json.loads(done.stdout)
    assert value["version"] == 1
    assert [report["verdict"] for report in value["reports"]] == ["damaged", "sound"]
    image = {
        "names": ["str"],
        "platform": "str",
        "manifest": "str",
        "image_id": "str",
        "blobs": "int",
        "bytes": "int",
        "seconds": "float",
        "sound": "bool",
        "originals": [],
    }
    finding = {
        **dict.fromkeys(("code", "severity", "file", "member", "field", "image"), "str"),
        "layer": "int",
        "offset": "NoneType",
        **dict.fromkeys(("message", "hint"), "str"),
    }
    assert shape(value["reports"][0]) == {
        **dict.fromkeys(("source", "source_kind", "check", "verdict"), "str"),
        "images": [image],
        "findings": [finding],
        "findings_left_out": "int",
        "blobs": "int",
        "bytes": "int",
        "seconds": "float",
    }
    assert value["reports"][0]["images"][0]["sound"] is False
    done = layout("verify", "/nowhere", "--json")
    assert done.returncode == 3
    value = json.loads(done.stdout)
    assert value["reports"] == []
    assert [each["source"] for each in value["unreadable"]] == ["/nowhere"]
    assert value["sources"] == {
        "sound": 0,
        "not as expected": 0,
        "incomplete": 0,
        "damaged": 0,
        "not readable": 1,
    }


def test_strict_json_says_what_the_status_says(odd: Path) -> None:
    done = layout("verify", odd, "--json", "--strict")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reports"][0]["verdict"] == "damaged"


def test_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    """In names, labels, media types, members, links and file names."""
    text = "\x1b[31mred\x1b]0;title\x07\r\u202eevil\u2066[bold]"
    image = make_image([{"a": b"x"}], names=(text,), config={"Labels": {text: text}})
    manifest = {**image.manifest(), "mediaType": text, "annotations": {text: text}}
    index = {"annotations": {text: text}}
    files = layout_of(manifest, image.config_bytes, image.layers[0].stored, index=index)
    value = json.loads(files["index.json"])
    value["manifests"][0]["annotations"] = {
        "io.containerd.image.name": text,
        "org.opencontainers.image.ref.name": text,
    }
    value["manifests"][0]["platform"] = {"os": text, "architecture": text}
    files["index.json"] = json.dumps(value).encode()
    archive = tmp_path / "image.tar"
    links = [special(f"l{text}", b"2", f"../../{text}"), special(f"p{text}", b"6")]
    archive.write_bytes(tar_of([*files.items(), *links, (f"../{text}", b"")]))
    folder = write_files({**files, f"blobs/sha256/{text}": b"x"}, tmp_path / text)
    saved = write_docker_archive([image], tmp_path / "saved.tar")
    for words in ((archive,), (folder,), (saved,), (archive, "--json"), (tmp_path / f"no{text}",)):
        done = layout("verify", *words)
        assert b"Traceback" not in done.stderr
        shown = done.stdout + done.stderr
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae|\xe2\x81\xa6", shown)
        assert b"\\x1b[31m" in shown or b"\\u001b[31m" in shown


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Names of members that are not UTF-8, a terminal that has only ASCII."""
    files = layout_of(IMAGE.manifest(), IMAGE.config_bytes, *(x.stored for x in IMAGE.layers))
    archive = tmp_path / "image.tar"
    name = b"\xff\xfe\xc3".decode("utf-8", "surrogateescape")
    odd = special(f"{name}\u00fc", b"6")
    archive.write_bytes(tar_of([*files.items(), odd], form=1))
    for words in ((archive,), (archive, "--json"), (archive, "--sums", tmp_path / "sums")):
        done = process("verify", *words, env={"PYTHONIOENCODING": "ascii"})
        assert done.stderr == b""
        assert done.returncode == 0


def test_eighty_columns(tmp_path: Path, damaged: Path) -> None:
    """Only a word that is longer than that, such as a digest, may stand over."""
    image = make_image(names=("registry.example.com:5000/team/app:1", "b:1"), compression="gzip")
    several = write_hybrid_archive([image, IMAGE], tmp_path / "image.tar")
    mislabelled = type(image)(
        layers=(Layer(image.layers[0].raw, "xz"), image.layers[1]),
        config=image.config,
        names=image.names,
    )
    odd = write_oci_layout([mislabelled], tmp_path / "odd")
    for source in (several, odd, damaged):
        _, text = run(source)
        for line in text.splitlines()[1:]:  # the first names the source, however long its path
            assert len(line) <= 80 or len(line.split()) == 1, line
            assert line == line.rstrip()


def test_quiet(sound: Path, damaged: Path) -> None:
    assert run(sound, "-q") == (0, "")
    status, text = run(damaged, "-q")
    assert status == 1
    assert all(line.startswith("  ") for line in text.splitlines())
    assert "error digest-mismatch" in text


def test_the_order_of_findings_is_always_the_same(sound: Path, tmp_path: Path) -> None:
    for number in range(12):
        (sound / f"extra{number}").write_bytes(b"")
    sums = tmp_path / "sums"
    sums.write_text("")
    said = set()
    for seed in ("1", "2", "3"):
        words = ("verify", sound, "--against", sums, "--json")
        done = process(*words, env={"PYTHONHASHSEED": seed})
        (report,) = json.loads(done.stdout)["reports"]
        said.add(json.dumps(report["findings"]))
    assert len(said) == 1
