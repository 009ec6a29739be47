"""What docs/comparison.md says that other tools notice and keep is what they do here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import Image, make_image, sha256, write_docker_archive, write_oci_layout
from tests.command import layout, succeed
from tests.interop.conftest import ROOT, unasked
from tests.interop.host import ENGINE_PATH, EngineError, Host
from tests.interop.shown import HERE
from tests.pages import read, section

PAGE = read("docs/comparison.md")
SOURCES = ("layout", "lying", "saved")  # the columns of the table
# How a row of the table begins, and the command of each source that the tool reads.
SKOPEO = "skopeo --insecure-policy copy -q"
FROM = {"layout": "oci:{source}:1", "lying": "oci:{source}:1", "saved": "docker-archive:{source}"}
COMMANDS = {
    "skopeo [0-9.]+, `copy` to a layout": {
        name: f"{SKOPEO} {source} oci:{{made}}:1" for name, source in FROM.items()
    },
    "skopeo [0-9.]+, `copy` to docker-archive": {
        name: f"{SKOPEO} {source} docker-archive:{{made}}:demo:1" for name, source in FROM.items()
    },
    "crane [0-9.]+, `validate --tarball`": {"saved": "crane validate --tarball {source}"},
    "oras [0-9.]+, `cp`": dict.fromkeys(
        ("layout", "lying"), "oras cp --from-oci-layout {source}:1 --to-oci-layout {made}:1"
    ),
    "umoci [0-9.]+, `unpack`": dict.fromkeys(
        ("layout", "lying"), "umoci unpack --rootless --image {source}:1 {made}"
    ),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if reason := unasked(ROOT):
        pytest.skip(reason)
    found = Host(tmp_path_factory.mktemp("beside"), ROOT)
    try:
        yield found
    finally:
        found.close()


def image(*, lying: bool, packed: str) -> Image:
    made = make_image(
        [{"etc/a": b"a" * 3000}], names=("demo:1",), compression=packed, architecture=HERE
    )
    if not lying:
        return made
    rootfs = {**made.config["rootfs"], "diff_ids": [sha256(b"what was in it before")]}
    return replace(made, config={**made.config, "rootfs": rootfs})


@pytest.fixture(scope="module")
def damaged(host: Host) -> dict[str, Path]:
    made = {name: host.work / name for name in SOURCES}
    write_oci_layout([image(lying=False, packed="gzip")], made["layout"])
    write_oci_layout([image(lying=True, packed="gzip")], made["lying"])
    write_docker_archive([image(lying=True, packed="none")], made["saved"])
    blob = max((made["layout"] / "blobs/sha256").iterdir(), key=_is_gzip)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    return made


def _is_gzip(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x1f\x8b")


def is_there(tool: str) -> bool:
    root = ROOT or Path("/")
    return any((root / folder[1:] / tool).exists() for folder in ENGINE_PATH.split(":"))


def stated(row: str) -> dict[str, str]:
    """What the page says of each source: ``found``, ``copied``, or that it is not read."""
    lines = section(PAGE, "What is noticed").splitlines()
    line = next(each for each in lines if re.match(rf"\| {row} \|", each))
    cells = [each.strip().replace("*", "").partition(",")[0] for each in line.split("|")[2:-1]]
    return dict(zip(SOURCES, cells, strict=True))


@pytest.mark.parametrize("row", COMMANDS)
def test_what_is_noticed(host: Host, damaged: dict[str, Path], row: str) -> None:
    tool = row.split(maxsplit=1)[0]
    if not is_there(tool):
        pytest.skip(f"no {tool} on this host (scripts/interop sid)")
    assert {name for name, cell in stated(row).items() if cell in ("found", "copied")} == set(
        COMMANDS[row]
    )
    for name, command in COMMANDS[row].items():
        made = host.new_dir("made") / "it"
        try:
            host.run(command.format(source=damaged[name], made=made).split())
        except EngineError:
            seen = "found"
        else:
            seen = "copied"
        assert seen == stated(row)[name], f"{row} of {name}"


def test_all_of_it_is_noticed_here(damaged: dict[str, Path], tmp_path: Path) -> None:
    for name, source in damaged.items():
        assert layout("verify", source).returncode == 1, name
        assert layout("repack", source, "--to", "oci", "-o", tmp_path / name).returncode == 3, name


def test_what_of_a_config_stays(host: Host, tmp_path: Path) -> None:
    """The health check, which OCI does not have."""
    made = make_image([{"etc/a": b"a"}], names=("demo:1",), architecture=HERE)
    inner = {**made.config["config"], "Healthcheck": {"Test": ["CMD", "/bin/true"]}}
    made = replace(made, config={**made.config, "config": inner})
    source = write_docker_archive([made], host.work / "config.tar")
    there = host.new_dir("config") / "it"
    host.run(f"skopeo --insecure-policy copy -q docker-archive:{source} oci:{there}:1".split())
    assert b"Healthcheck" not in succeed("inspect", there, "--raw", "config")
    succeed("repack", source, "--to", "oci", "-o", tmp_path / "kept", "-q")
    assert b"Healthcheck" in succeed("inspect", tmp_path / "kept", "--raw", "config")
