"""`layout inspect` on a terminal: exact screens, widths, escapes, colour only where it belongs."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from oci_layout.cli.cells import cells
from tests.builders import (
    REF_NAME,
    Image,
    go_json,
    make_image,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.cli.test_terminal import EVIL, harmless
from tests.command import layout, the_line
from tests.inspection.shown import text
from tests.shared import CORPUS, ROOT, needs_shared
from tests.verification.checking import layout_of


def screen(source: Path | str, width: int, *options: str, cwd: Path = ROOT) -> str:
    """What the command prints in a terminal of a width, through a pipe."""
    done = layout("inspect", source, *options, columns=width, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


AT_80 = """\
testdata/docker28-c8d.tar: hybrid: OCI layout with manifest.json (archive)
  probably written by containerd's exporter: ctr images export, nerdctl save,
    docker save with the containerd image store, or BuildKit (members of mode
    0444, without times)

hello:1, registry.example.com:5000/team/hello:v1
  linux/amd64
    manifest  sha256:4ab8b022384b, Docker
    image ID  sha256:9b106d81954b
    created   2026-11-23T19:34:31Z
    command   /bin/hello
    env       3 variables
    labels    2: maintainer=Zo\u00eb \u00c5ngstr\u00f6m, title=hello <&> goodbye
    extras    HEALTHCHECK, ONBUILD, SHELL (Docker's, not in OCI)
    layers    3, 8704 B
      0  4da6b632f8b5  2560 B  raw  COPY dir:19f855195f3d in /bin
      1  a985959a1233  4096 B  raw  COPY dir:daa057c34dcd in /
      2  885a1ff9f7cd  2048 B  raw  /bin/hello /etc/gone

1 image, 3 layers, 8704 B
"""
AT_40 = """\
testdata/docker20.tar: docker-archive
    (archive)
  probably written by docker save 1.10
    to 24 (V1 folders beside
    manifest.json)

hello:1,
    registry.example.com:5000/team/hello:v1
  linux/amd64
    manifest  none in this source
    image ID  sha256:9b106d81954b
    created   2026-11-23T19:34:31Z
    command   /bin/hello
    env       3 variables
    labels    2: maintainer=Zo\u00eb
        \u00c5ngstr\u00f6m, title=hello <&>
        goodbye
    extras    HEALTHCHECK, ONBUILD,
        SHELL (Docker's, not in OCI)
    layers    3, 8704 B
      0  4da6b632f8b5  2560 B  raw
      1  a985959a1233  4096 B  raw
      2  885a1ff9f7cd  2048 B  raw

1 image, 3 layers, 8704 B
"""


def test_screens_at_80_and_40_columns() -> None:
    assert screen("testdata/docker28-c8d.tar", 80) == AT_80
    assert screen("testdata/docker20.tar", 40) == AT_40


def test_a_wide_screen_shows_whole_digests() -> None:
    shown = screen("testdata/docker28-c8d.tar", 120)
    assert re.search(r"\n    manifest  sha256:4ab8b022384b[0-9a-f]{52}, Docker\n", shown)
    assert re.search(r"\n    image ID  sha256:9b106d81954b[0-9a-f]{52}\n", shown)
    assert max(map(cells, shown.splitlines())) <= 120


@pytest.mark.parametrize("width", [40, 55, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    for path in sorted((ROOT / "testdata").iterdir()):
        if path.suffix != ".md":
            assert text(path, width, history=True, largest=2)


def test_a_terminal_of_one_column_is_taken_for_one_of_40() -> None:
    assert screen("testdata/docker20.tar", 1) == AT_40


def test_history(tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    shown = screen(source, 80, "--history")
    assert "\n    history   3 lines\n      0  COPY layer 0 in /\n" in shown
    assert "\n      -  CMD <hi> & true\n" in shown
    assert "history  " not in screen(source, 80)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/bin/sh -c #(nop) COPY file:" + "a" * 64 + " in /x ", "COPY file:aaaaaaaaaaaa in /x"),
        ("/bin/sh -c apk add curl", "RUN apk add curl"),
        ("RUN /bin/sh -c apk add curl # buildkit", "RUN apk add curl"),
        ("RUN |1 A=1 /bin/sh -c true # buildkit", "RUN |1 A=1 /bin/sh -c true"),
        ("COPY a /b # buildkit", "COPY a /b"),
        ("bazel build ...", "bazel build ..."),
        ("a\tb\n  c", "a b c"),
    ],
)
def test_the_line_that_made_a_layer(line: str, expected: str, tmp_path: Path) -> None:
    image = make_image([{"a": b"1"}])
    image.config["history"] = [{"created_by": line}]
    source = write_docker_archive([image], tmp_path / "in.tar")
    (row,) = [row for row in screen(source, 100).splitlines() if row.startswith("      0  ")]
    assert row.endswith(f"raw  {expected}")
    value = json.loads(screen(source, 80, "--json"))
    assert value["roots"][0]["layers"][0]["created_by"] == line


def evil_image() -> Image:
    image = make_image(
        [{f"bin/{EVIL}".replace("\0", ""): b"1"}],
        architecture="amd\x1b[2J64",
        config={
            "User": EVIL,
            "WorkingDir": EVIL,
            "Cmd": [EVIL],
            "Env": [EVIL],
            "Labels": {EVIL: EVIL},
            "ExposedPorts": {EVIL: {}},
            "Volumes": {EVIL: {}},
        },
    )
    image.config["created"] = EVIL
    image.config["history"] = [{"created_by": EVIL}]
    return image


def test_no_text_of_an_image_reaches_the_terminal_as_it_is(tmp_path: Path) -> None:
    source = write_oci_layout([evil_image()], tmp_path / "in")
    index = json.loads((source / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {REF_NAME: EVIL}
    (source / "index.json").write_bytes(go_json(index))
    for options in (["--history", "--layers"], ["--json", "--layers"]):
        done = layout("inspect", source, *options)
        assert done.returncode == 0, done.stderr
        harmless(done.stdout + done.stderr)
        assert b"gnp.exe" in done.stdout


def test_no_text_of_an_artifact_either(tmp_path: Path) -> None:
    image = make_image()
    manifest = {
        "schemaVersion": 2,
        "artifactType": EVIL,
        "config": {**image.manifest()["config"], "mediaType": EVIL},
        "layers": [
            {
                **image.manifest()["layers"][0],
                "mediaType": EVIL,
                "annotations": {
                    "org.opencontainers.image.title": EVIL,
                    "in-toto.io/predicate-type": EVIL,
                },
            }
        ],
    }
    source = write_files(
        layout_of(manifest, image.config_bytes, image.layers[0].stored), tmp_path / "in"
    )
    done = layout("inspect", source)
    assert done.returncode == 0, done.stderr
    harmless(done.stdout)
    assert done.stdout.count(b"gnp.exe") > 2
    done = layout("inspect", source, "--image", EVIL.replace("\0", ""))
    assert done.returncode == 4
    harmless(done.stderr)


def test_wide_letters_keep_the_columns(tmp_path: Path) -> None:
    words = "\u6f22\u5b57" * 30
    image = make_image([{f"{words[:40]}/{words[:40]}": b"1"}], config={"Labels": {"name": words}})
    image.config["history"] = [{"created_by": words}]
    source = write_docker_archive([image], tmp_path / "in.tar")
    for width in (40, 80, 120):
        for line in screen(source, width, "--layers", cwd=tmp_path).splitlines():
            assert cells(line) <= width or str(tmp_path) in line, line


def on_a_terminal(*arguments: object, **environment: str) -> bytes:
    """What the command writes to a terminal."""
    lead, follow = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "oci_layout", *map(str, arguments)],
            stdout=follow,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
        )
    finally:
        os.close(follow)
    data = b""
    while True:
        try:
            piece = os.read(lead, 65536)
        except OSError:
            break
        if not piece:
            break
        data += piece
    os.close(lead)
    return data


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    images = [make_image([{"a": name.encode()}], architecture=name) for name in ("amd64", "arm64")]
    return write_index_layout(tmp_path / "in", images, drop=[images[1].manifest_digest()])


def test_colour_on_a_terminal_only(sparse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = on_a_terminal("inspect", sparse)
    assert b"\x1b[1;33m! not here: linux/arm64" in shown
    assert shown.count(b"\x1b[0m") == shown.count(b"\x1b[1;33m") > 0
    assert b"\x1b" not in layout("inspect", sparse).stdout
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert b"\x1b" not in on_a_terminal("inspect", sparse, **environment)
    assert b"\x1b" not in on_a_terminal("inspect", sparse, "--json")


def test_standard_input(tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    done = layout("inspect", "-", stdin=source.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"standard input: docker-archive (archive)\n")


def test_usage(tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    the_line(layout("inspect"), 2)
    the_line(layout("inspect", source, "--largest", -1), 2)
    the_line(layout("inspect", source, "--platform", "linux"), 2)
    assert "linux/amd64" in the_line(layout("inspect", source, "--platform", "linux/arm64"), 4)
    assert "demo:1" in the_line(layout("inspect", source, "--image", "no:1"), 4)


@needs_shared
def test_a_sparse_archive_of_containerd() -> None:
    shown = screen(CORPUS / "multi" / "ctr-amd64.tar", 80)
    assert "OCI: 3 platforms, 3 attestations\n" in shown
    assert "    ! not here: attestation of linux/arm/v7, sha256:64c6122de35f\n" in shown
