"""`layout verify` as a process: exit statuses, what it prints, sums that go across the gap."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests import corrupt
from tests.builders import (
    make_image,
    sha256,
    write_docker_archive,
    write_oci_layout,
)
from tests.command import layout, the_line
from tests.verification.running import IMAGE, run


def test_sound_damaged_and_no_image(sound: Path, damaged: Path, tmp_path: Path) -> None:
    status, text = run(sound)
    assert status == 0
    assert re.search(r"^sound: nothing found; 4 blobs", text, re.MULTILINE)
    status, text = run(damaged)
    assert status == 1
    assert "error digest-mismatch" in text
    assert re.search(r"^  DAMAGED  demo:1", text, re.MULTILINE)
    assert re.search(r"^DAMAGED: \d+ errors?", text, re.MULTILINE)
    (tmp_path / "bare").mkdir()
    for nothing in (tmp_path / "absent", tmp_path / "bare"):
        the_line(layout("verify", nothing), 3)
    empty = tmp_path / "empty.tar"
    empty.write_bytes(b"")
    the_line(layout("verify", empty), 3)


def test_warnings_count_when_strict(odd: Path) -> None:
    assert run(odd)[0] == 0
    assert "\nsound: 1 warning;" in run(odd)[1]
    status, text = run(odd, "--strict")
    assert status == 1
    assert "\nDAMAGED: 1 warning;" in text


def test_several_sources(sound: Path, damaged: Path, odd: Path) -> None:
    """All are looked at, whatever comes of the first; the worst decides."""
    status, text = run(damaged, sound, odd)
    assert status == 1
    assert [line.split(":")[0] for line in text.splitlines() if not line.startswith(" ")] == [
        *(str(damaged), "DAMAGED"),
        *(str(sound), "sound"),
        *(str(odd), "sound"),
        "",
        "3 sources",
    ]
    assert text.endswith("\n3 sources: 2 sound, 1 damaged\n")
    done = layout("verify", "/nowhere", sound)
    assert done.returncode == 3
    assert b"/nowhere" in done.stderr
    assert b"sound: nothing found" in done.stdout
    assert done.stdout.endswith(b"\n2 sources: 1 sound, 1 not readable\n")
    assert b"sources:" not in layout("verify", sound, sound, "--quiet").stdout


def test_what_only_lacks_what_was_expected_is_not_damaged(
    sound: Path, damaged: Path, tmp_path: Path
) -> None:
    other = write_oci_layout([make_image(unique="another")], tmp_path / "other")
    sums = tmp_path / "sums"
    assert run(other, "--sums", sums)[0] == 0
    for option, value in (("--expect", "a" * 64), ("--against", sums)):
        status, text = run(sound, option, value)
        assert status == 1
        assert "DAMAGED" not in text
        assert re.search(r"^not as expected: \d+ errors?[,;]", text, re.MULTILINE)
        value_of = json.loads(layout("verify", sound, option, value, "--json").stdout)
        assert value_of["reports"][0]["verdict"] == "not as expected"
        assert value_of["sources"]["not as expected"] == 1
        status, text = run(damaged, option, value)
        assert status == 1
        assert re.search(r"^DAMAGED: \d+ errors[,;]", text, re.MULTILINE)


def test_one_that_cannot_be_unpacked_among_several(sound: Path, tmp_path: Path) -> None:
    packed = tmp_path / "cut.tar.gz"
    packed.write_bytes(corrupt.flip_byte(b"\x1f\x8b\x08" + bytes(200), 50))
    done = layout("verify", packed, sound)
    assert done.returncode == 3
    assert str(packed).encode() in done.stderr
    assert b"sound: nothing found" in done.stdout


def test_quick_reads_no_blob(sound: Path, damaged: Path) -> None:
    for source in (sound, damaged):
        status, text = run(source, "--quick")
        assert status == 0
        assert "no layer was read" in text
    (damaged / corrupt.blob(IMAGE.layers[0].digest)).write_bytes(b"short")
    assert run(damaged, "--quick")[0] == 1
    the_line(layout("verify", sound, "--quick", "--check", "digests"), 2)


def test_digests_believes_the_diff_ids(tmp_path: Path) -> None:
    config = {**IMAGE.config, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 2}}
    image = type(IMAGE)(layers=IMAGE.layers, config=config, names=("demo:1",))
    source = write_oci_layout([image], tmp_path / "layout")
    status, text = run(source)
    assert (status, text.count("error diffid-mismatch")) == (1, 2)
    status, text = run(source, "--check", "digests")
    assert status == 0
    assert "diff_ids were not recomputed" in text
    blob = source / corrupt.blob(IMAGE.layers[1].digest)
    blob.write_bytes(corrupt.flip_byte(blob.read_bytes()))
    assert run(source, "--check", "digests")[0] == 1


def test_expected_digests(sound: Path) -> None:
    for digest in (IMAGE.config_digest, IMAGE.manifest_digest()):
        assert run(sound, "--expect", digest)[0] == 0
    absent = sha256(b"absent")
    status, text = run(sound, "--expect", IMAGE.config_digest, "--expect", absent)
    assert status == 1
    assert "error expected-absent" in text
    assert run(sound, "--expect", IMAGE.layers[0].digest)[0] == 1  # a layer is no image
    the_line(layout("verify", sound, "--expect", "latest"), 2)


def test_standard_input(tmp_path: Path) -> None:
    archive = write_docker_archive([IMAGE], tmp_path / "image.tar").read_bytes()
    status, text = run("-", stdin=archive)
    assert (status, text.startswith("standard input: docker-archive")) == (0, True)
    the_line(layout("verify", "-", "-", stdin=archive), 2)
    the_line(layout("verify", "-", stdin=b""), 3)


def test_jobs_change_nothing(tmp_path: Path) -> None:
    image = make_image([{str(n): bytes([n]) * 5000} for n in range(9)], compression="gzip")
    source = write_oci_layout([image], tmp_path / "layout")
    for layer in image.layers[::2]:
        (source / corrupt.blob(layer.digest)).write_bytes(b"\x1f\x8b\x08damaged")
    said = []
    for jobs in (1, 2, 7):
        done = layout("verify", source, "--jobs", jobs, "--json")
        (report,) = json.loads(done.stdout)["reports"]
        said.append(report["findings"])
    assert said[0] == said[1] == said[2]
    the_line(layout("verify", source, "--jobs", 0), 2)
