"""Docker's classic root as a source: its images are put together, and nothing outside is read."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout import NotAnImageError, diff, have, inspect, limits, merge, repack, verify
from oci_layout.comparison.verdict import Verdict
from oci_layout.errors import LayoutError, ReadError
from oci_layout.finding import Findings, Severity
from oci_layout.source.opening import open_source
from tests.builders import make_image, sha256, write_oci_layout
from tests.builders.dockerroot import Lines, Root, chains, packed, write_docker_root
from tests.builders.trees import fingerprint
from tests.source.opened import assert_holds, collected, held, opened

BASE = {"etc/motd": b"hello\n", "usr/lib/a": bytes(range(256)) * 5000, "empty": b""}
APP = make_image([BASE, {"srv/p\u00e4th/b\udcff": b"two"}], names=("app:1", "host:5000/team/app:2"))
OTHER = make_image([BASE, {"srv/c": b"three", ".wh.x": b""}], names=("other:1",))
NAMELESS = make_image([{"d": b"4"}], names=())
ALONE = make_image([{"etc/motd": b"hello\n", "etc/x": b"x"}], names=("a:1",))


def alone(folder: Path, driver: str = "overlay2") -> Root:
    return write_docker_root([ALONE], folder / "docker", driver=driver)


def found(path: Path) -> list[tuple[str, str, str]]:
    """Errors and warnings: code, member, message."""
    return [
        (each.code, each.where.member, each.message)
        for each in verify(path).findings
        if each.severity is not Severity.NOTE
    ]


@pytest.mark.parametrize("driver", ["overlay2", "vfs", "fuse-overlayfs", "aufs", "btrfs"])
def test_images_come_out_as_they_went_in(driver: str, tmp_path: Path) -> None:
    root = write_docker_root([APP, OTHER, NAMELESS], tmp_path / "docker", driver=driver)
    assert_holds(root.path, APP, OTHER, NAMELESS)
    report = verify(root.path)
    assert not report.findings
    assert [image.sound for image in report.images] == [True] * 3
    assert "Docker's classic store" in report.source_kind


@pytest.mark.parametrize("below", ["", "image", "image/overlay2", "../../..", "../..", ".."])
def test_any_of_these_folders_is_it(below: str, tmp_path: Path) -> None:
    root = write_docker_root([NAMELESS], tmp_path / "var/lib/docker")
    assert_holds(root.path / below, NAMELESS)


def test_of_several_drivers_one_is_to_be_chosen(tmp_path: Path) -> None:
    """A driver without an image does not count; Docker leaves folders of what it was."""
    root = write_docker_root([APP], tmp_path, driver="overlay2")
    write_docker_root([], tmp_path, driver="vfs")
    assert_holds(tmp_path, APP)
    other = write_docker_root([OTHER], tmp_path, driver="vfs")
    with pytest.raises(NotAnImageError, match="2 storage drivers: overlay2, vfs") as caught:
        held(tmp_path)
    assert "image/overlay2" in caught.value.hint
    assert_holds(root.image, APP)
    assert_holds(other.image, OTHER)


def test_every_verb(tmp_path: Path) -> None:
    """The image ID stays in either form; nothing in the root is touched."""
    root = write_docker_root([APP, OTHER], tmp_path / "docker").path
    before = fingerprint(root)
    assert len(inspect(root).roots) == 2
    for form, name in (("docker", "x.tar"), ("oci", "x")):
        dest = tmp_path / name
        repack(root, dest, to=form)
        assert not [each for each in verify(dest).findings if each.severity is Severity.ERROR]
        assert {str(i.config.digest) for some in held(dest).values() for i in some} == {
            APP.config_digest,
            OTHER.config_digest,
        }
        assert sorted(held(dest)) == sorted(held(root))
    merge([root], tmp_path / "m.tar")
    assert diff(root, tmp_path / "x.tar").verdict is Verdict.SAME_IMAGE_ID
    assert {str(image.config) for image in have([root]).images} == {
        APP.config_digest,
        OTHER.config_digest,
    }
    assert fingerprint(root) == before


def test_what_it_was_pulled_by_is_no_name(tmp_path: Path) -> None:
    """A reference with a digest is of the manifest in a registry, which is not here: it is told."""
    known = f"app@{APP.manifest_digest()}"
    root = write_docker_root([APP], tmp_path / "docker", more={known: APP.config_digest})
    assert_holds(root.path, APP)
    kept = root.image / "distribution/v2metadata-by-diffid" / APP.diff_ids[0].replace(":", "/")
    kept.parent.mkdir(parents=True)
    blob = f"sha256:{'ab' * 32}"
    listed = [
        {"Digest": blob, "SourceRepository": "docker.io/library/app", "HMAC": ""},
        {"Digest": "none", "SourceRepository": "docker.io/library/app"},
        {"Digest": blob, "SourceRepository": "NONE"},
        ["of another type"],
    ]
    kept.write_text(json.dumps(listed))
    node: Any = inspect(root.path).roots[0].node
    assert node.pulled_as == (known,)
    assert [layer.pulled_as for layer in node.layers] == [(f"app@{blob}",), ()]
    (image,) = repack(root.path, tmp_path / "out", to="oci").images
    assert image.pulled_as == (known,)
    assert [layer.pulled_as for layer in image.layers] == [(f"app@{blob}",), ()]


def test_names_of_nothing(tmp_path: Path) -> None:
    root = write_docker_root([APP], tmp_path, more={"gone:1": OTHER.config_digest})
    (error,) = collected(root.path).errors
    assert (error.code, error.where.image) == ("missing-member", "gone:1")


def test_a_config_that_rots(tmp_path: Path) -> None:
    root = alone(tmp_path)
    (config,) = (root.image / "imagedb/content/sha256").iterdir()
    config.write_bytes(config.read_bytes().replace(b"hello", b"HELLO") + b" ")
    assert ("digest-mismatch") in {each[0] for each in found(root.path)}


def test_changed_files_are_named(tmp_path: Path) -> None:
    """Every one of them, with what it is; the image is not sound, and no result appears."""
    root = alone(tmp_path)
    files = root.files(ALONE)
    (files / "etc/motd").write_bytes(b"HELLO\n")
    (files / "etc/x").write_bytes(b"y")
    report = verify(root.path)
    told = [each for each in report.findings if each.code == "changed-file"]
    assert [each.message.split("'")[1] for each in told] == ["etc/motd", "etc/x"]
    assert "CRC-64" in told[0].message
    assert told[0].where.image == "a:1"
    assert not report.images[0].sound
    with pytest.raises(Exception, match="'etc/motd' has other bytes"):
        repack(root.path, tmp_path / "x.tar", to="docker")
    assert not (tmp_path / "x.tar").exists()


def longer(files: Path) -> None:
    (files / "etc/motd").write_bytes(b"hello, you\n")


def shorter(files: Path) -> None:
    (files / "etc/motd").write_bytes(b"")


def gone(files: Path) -> None:
    (files / "etc/motd").unlink()


def all_gone(files: Path) -> None:
    shutil.rmtree(files / "etc")


def linked(files: Path) -> None:
    outside = files.parents[3] / "outside"
    outside.write_bytes(b"hello\n")
    (files / "etc/motd").unlink()
    (files / "etc/motd").symlink_to(outside)


def folder_linked(files: Path) -> None:
    outside = files.parents[3] / "outside"
    shutil.move(files / "etc", outside)
    (files / "etc").symlink_to(outside)


def fifo(files: Path) -> None:
    (files / "etc/motd").unlink()
    os.mkfifo(files / "etc/motd")


def folder(files: Path) -> None:
    (files / "etc/motd").unlink()
    (files / "etc/motd").mkdir()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (longer, "has 11 bytes, and had 6"),
        (shorter, "has 0 bytes, and had 6"),
        (gone, "is not there"),
        (all_gone, "is not there"),
        (linked, "is a symbolic link, or behind one"),
        (folder_linked, "is not there"),
        (fifo, "is no regular file"),
        (folder, "is no regular file"),
    ],
)
def test_files_that_are_not_what_they_were(
    change: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    """No link leads out, even where the very bytes are behind it."""
    root = alone(tmp_path)
    change(root.files(ALONE))
    errors = found(root.path)
    assert errors[0][0] == "changed-file"
    assert f"'etc/motd' {told}" in errors[0][2]
    assert {each[0] for each in errors} == {"changed-file"}
    with pytest.raises(Exception, match="etc/motd"):
        repack(root.path, tmp_path / "out", to="oci")
    assert not (tmp_path / "out").exists()


def named(name: str) -> Callable[[Lines], Any]:
    return lambda lines: lines[1].update(name=name)


def raw_name(name: bytes) -> Callable[[Lines], Any]:
    return lambda lines: lines[1].update(name_raw=base64.b64encode(name).decode())


def test_names_that_lead_out(tmp_path: Path) -> None:
    """Nothing outside is opened, whichever way it is named, even where the bytes would fit."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"hello\n")
    for edit in (
        named("../../../../secret"),
        named("etc/../../../../../secret"),
        named("/../../../../secret"),
        named(str(secret)),
        raw_name(os.fsencode("../../../../secret")),
        raw_name(b"../\0x"),
        raw_name(b"a\0x"),
        named("x" * 5000),
        named("a/" * 3000),
        named("/dev/zero"),
        named("."),
    ):
        root = alone(tmp_path)
        root.edit(ALONE, edit)
        errors = found(root.path)
        assert {each[0] for each in errors} <= {"changed-file", "layer-record"}
        assert errors
        shutil.rmtree(root.path)


def drop(lines: Lines) -> None:
    del lines[:]


BAD_LINES: list[Callable[[Lines], Any]] = [
    drop,
    lambda lines: lines[0].update(type=3),
    lambda lines: lines[0].update(payload="***"),
    lambda lines: lines[0].update(payload=5),
    lambda lines: lines[1].update(size=-1),
    lambda lines: lines[1].update(size=True),
    lambda lines: lines[1].update(size="6"),
    lambda lines: lines[1].update(size=1 << 62),
    lambda lines: lines[1].update(size=10**400),
    lambda lines: lines[1].update(payload="AAAA"),
    lambda lines: lines[1].update(payload=None),
    lambda lines: lines[1].update(name=None),
    lambda lines: lines[1].update(name=["etc/motd"]),
    lambda lines: lines[1].update(name_raw="*"),
    lambda lines: lines[0].update(payload="A" * (limits.TAR_SPLIT_LINE_BYTES + 8)),
    lambda lines: lines.insert(0, []),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("number", range(len(BAD_LINES)))
def test_records_that_are_none(number: int, tmp_path: Path) -> None:
    root = alone(tmp_path)
    root.edit(ALONE, BAD_LINES[number])
    errors = found(root.path)
    assert [each[0] for each in errors] == ["layer-record", "missing-blob"]
    assert errors[0][1].endswith("tar-split.json.gz")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("tar-split.json.gz", b"", "layer-record"),
        ("tar-split.json.gz", None, "layer-record"),
        ("tar-split.json.gz", b"{}" * 20, "corrupt-stream"),
        ("tar-split.json.gz", packed([{"type": 2}])[:-6], "truncated-stream"),
        ("cache-id", None, "layer-record"),
        ("cache-id", b"", "layer-record"),
        ("cache-id", b"../../../../etc", "layer-record"),
        ("cache-id", b"a/b", "layer-record"),
        ("cache-id", b"\xff" * 64, "layer-record"),
        ("cache-id", b"0" * 64, "layer-record"),
        ("cache-id", b"0" * 100_000, "layer-record"),
        ("diff", b"sha256:" + b"0" * 64, "layer-record"),
        ("diff", None, ""),
    ],
)
def test_layers_that_are_not_whole(
    name: str, data: bytes | None, code: str, tmp_path: Path
) -> None:
    root = alone(tmp_path)
    path = root.layer(ALONE) / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    assert [each[0] for each in found(root.path)] == ([code] if code else []) + ["missing-blob"]


def test_parents_are_not_followed(tmp_path: Path) -> None:
    """A loop of parents leads nowhere: a chain ID says what is below."""
    root = write_docker_root([APP], tmp_path)
    for number, chain in enumerate(chains(APP)):
        (root.layer(APP, number) / "parent").write_text(f"sha256:{chain}")
    assert_holds(root.path, APP)


def test_a_link_in_the_place_of_a_record(tmp_path: Path) -> None:
    root = alone(tmp_path)
    path = root.layer(ALONE) / "tar-split.json.gz"
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert found(root.path)[0][0] == "layer-record"


def test_a_folder_of_files_that_is_a_link(tmp_path: Path) -> None:
    root = alone(tmp_path)
    files = root.files(ALONE)
    shutil.move(files, tmp_path / "elsewhere")
    files.symlink_to(tmp_path / "elsewhere")
    assert found(root.path)[0][0] == "layer-record"


def test_a_driver_without_files(tmp_path: Path) -> None:
    root = alone(tmp_path)
    shutil.move(root.image, root.path / "image/devicemapper")
    codes = found(root.path)
    assert codes[0][0] == "layer-record"
    assert "'devicemapper'" in codes[0][2]


def test_too_many_lines_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_docker_root([APP], tmp_path)
    monkeypatch.setattr(limits, "TAR_SPLIT_PIECES", 6)
    assert [each.code for each in collected(root.path).errors] == ["layer-record"]
    monkeypatch.setattr(limits, "TAR_SPLIT_LINES", 3)
    assert {each.code for each in collected(root.path).errors} == {"layer-record"}


def test_too_many_layers_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_docker_root([APP, OTHER], tmp_path)
    monkeypatch.setattr(limits, "NODES", 3)
    assert collected(root.path).errors[0].code == "index-depth"


def test_what_vanishes_meanwhile(tmp_path: Path) -> None:
    """A running engine removes an image after it was found: one clear error, no half result."""
    root = alone(tmp_path)
    with opened(root.path) as source:
        ((layer,),) = [each.image.layers for each in source.contents.docker]
        shutil.rmtree(root.files(ALONE))
        assert layer.member is not None
        with pytest.raises(Exception, match="the folder of its files is not there"):
            layer.member.read(1 << 20)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder for a user who may not read everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("", 0o711), ("", 0o700), ("image", 0o700), ("overlay2", 0o700)],
)
def test_what_may_not_be_read(name: str, mode: int, nobody: Path) -> None:
    """The error says whose it is, and who may read it."""
    root = alone(nobody)
    (root.path / name).chmod(mode if os.geteuid() == 0 else 0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ReadError, match="Permission denied") as caught:
            held(root.path)
    finally:
        if me == 0:
            os.seteuid(0)
        (root.path / name).chmod(0o755)
    assert "read it as root" in caught.value.hint


def test_no_image_at_all(tmp_path: Path) -> None:
    root = write_docker_root([], tmp_path)
    assert [each.code for each in collected(root.path).warnings] == ["empty"]


def test_files_of_layers_are_not_listed(tmp_path: Path) -> None:
    """A host has millions of them."""
    root = write_docker_root([APP], tmp_path)
    with opened(root.path) as source:
        assert all(name.startswith("image/overlay2/") for name in source.store.names())


def test_as_a_base(tmp_path: Path) -> None:
    """What a thin archive lacks is taken from it."""
    root = write_docker_root([APP], tmp_path / "docker").path
    whole = write_oci_layout([APP, OTHER], tmp_path / "oci")
    repack(whole, tmp_path / "thin.tar", to="docker", have=[str(root)])
    report = verify(tmp_path / "thin.tar", bases=[str(root)])
    assert not [each for each in report.findings if each.severity is Severity.ERROR]


def test_no_flipped_byte_goes_by(tmp_path: Path) -> None:
    """Of what a root is made of: each ends in a finding, or in the very same image."""
    root = alone(tmp_path)
    files = [path for path in root.path.rglob("*") if path.is_file()]
    seen = 0
    for path in files:
        if path.name in ("size", "parent"):
            continue
        data = path.read_bytes()
        for at in range(0, len(data), 1 + len(data) // 40):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x21]) + data[at + 1 :])
            findings = Findings()
            try:
                with open_source(str(root.path), findings=findings) as source:
                    same = [str(each.image.config.digest) for each in source.contents.docker] == [
                        ALONE.config_digest
                    ] and all(
                        sha256(layer.member.read(1 << 20)) == str(layer.diff_id)
                        for each in source.contents.docker
                        for layer in each.image.layers
                        if layer.member is not None
                    )
            except LayoutError:
                same = False
            assert same or findings.found or path.is_relative_to(root.files(ALONE))
            seen += 1
        path.write_bytes(data)
    assert seen > 150
    assert_holds(root.path, ALONE)
