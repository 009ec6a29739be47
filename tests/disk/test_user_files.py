"""Files of the user: through the command, what he did not name is never touched."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.api.words import Progress
from oci_layout.disk import lock
from oci_layout.errors import DestinationError
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.command import layout
from tests.forking import Forked

IMAGE = make_image()
OTHER = make_image([{"o": b"other"}], names=("other:1",))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "from").mkdir()
    return write_docker_archive([IMAGE], tmp_path / "from/in.tar")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / "thesis").mkdir(parents=True)
    (folder / "thesis/chapter").write_text("1")
    return folder


def shape(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }


PLACES = ["", ".", "..", "./", "thesis/..", "/"]


@pytest.mark.parametrize(
    ("option", "value"),
    [*((option, value) for option in ("-o", "--report") for value in PLACES), ("--tmp", "")],
)
def test_what_names_no_file(option: str, value: str, source: Path, home: Path) -> None:
    """With ``--force -o "$DEST"`` and no DEST, the current folder is not a destination."""
    before = shape(home)
    words = ["repack", source, "--to", "oci", "--force", option, value]
    words += [] if option == "-o" else ["-o", "out.tar"]
    done = layout(*words, cwd=home)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count(b"\n") == 1
    assert shape(home) == before


@pytest.mark.parametrize("verb", ["verify", "inspect", "check", "diff", "merge", "repack"])
@pytest.mark.parametrize("form", ["", "--report=", "--json="])
def test_an_empty_value_is_refused_by_every_verb(verb: str, form: str, home: Path) -> None:
    done = layout(verb, form, cwd=home)
    assert done.returncode == 2
    assert b"an empty value" in done.stderr


def test_append_writes_through_no_link(tmp_path: Path, source: Path, home: Path) -> None:
    dest = write_oci_layout([OTHER], tmp_path / "dest")
    (dest / ".index.json.layout.tmp").symlink_to(home / "thesis/chapter")
    before = shape(home)
    assert layout("repack", source, "--to", "oci", "--append", "-o", dest).returncode == 0
    assert shape(home) == before

    (dest / "blobs/sha256").rename(home / "away")
    (dest / "blobs/sha256").symlink_to(home / "away")
    before = shape(home)
    third = make_image([{"t": b"third"}], names=("third:1",))
    more = write_docker_archive([third], tmp_path / "from/more.tar")
    done = layout("repack", more, "--to", "oci", "--append", "-o", dest)
    assert done.returncode == 5
    assert b"is a link" in done.stderr
    assert shape(home) == before


@pytest.mark.parametrize("option", ["--report", "--sums"])
def test_no_side_file_replaces_what_is_read(option: str, source: Path) -> None:
    before = source.read_bytes()
    words = (
        ("verify", source)
        if option == "--sums"
        else ("repack", source, "--to", "oci", "-o", source.parent / "out")
    )
    done = layout(*words, option, source)
    assert done.returncode == 5
    assert source.read_bytes() == before
    assert [path.name for path in source.parent.iterdir()] == ["in.tar"]


def test_the_report_is_not_the_result(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tar"
    done = layout("repack", source, "--to", "oci", "-o", out, "--report", out)
    assert done.returncode == 2
    assert not out.exists()


def test_a_folder_is_not_waited_for_for_ever(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = write_oci_layout([OTHER], tmp_path / "dest")
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    fd = os.open(dest, os.O_RDONLY)
    before = shape(dest)
    for how in (fcntl.LOCK_SH, fcntl.LOCK_EX):
        fcntl.flock(fd, how)
        for append in (True, False):
            with pytest.raises(DestinationError, match="lock"):
                repack(str(source), str(dest), to="oci", append=append, force=not append)
            assert shape(dest) == before
    os.close(fd)
    repack(str(source), str(dest), to="oci", append=True)


def test_force_does_not_replace_what_was_added_meanwhile(tmp_path: Path, source: Path) -> None:
    """It was to replace what was there before; an image that came since was reported written."""
    dest = write_oci_layout([OTHER], tmp_path / "dest")
    third = make_image([{"t": b"third"}], names=("third:1",))
    more = write_docker_archive([third], tmp_path / "from/more.tar")

    def add(_: int) -> None:
        repack(str(more), str(dest), to="oci", append=True)

    with pytest.raises(DestinationError, match="not what was there"):
        repack(
            str(source),
            str(dest),
            to="oci",
            force=True,
            progress=Progress(start=add, advance=lambda _: None),
        )
    names = {str(name) for image in verify(str(dest)).images for name in image.names}
    assert names == {"other:1", "third:1"}


def test_force_waits_for_append_and_the_other_way_round(tmp_path: Path) -> None:
    """Whoever comes second sees what the first one did; nothing is left without an index."""
    dest = write_oci_layout([OTHER], tmp_path / "dest")
    sources = [
        write_docker_archive(
            [make_image([{f"f{number}": b"x" * 4000}], names=(f"n{number}:1",))],
            tmp_path / f"in{number}.tar",
        )
        for number in range(6)
    ]
    runs = [
        Forked("repack", each, "--to", "oci", how, "-q", "-o", dest)
        for number, each in enumerate(sources)
        for how in (["--append", "--force"][number % 2],)
    ]
    for run in runs:
        _, told = run.communicate(timeout=60)
        assert run.returncode in (0, 5), told
        assert told.count(b"\n") <= 1
    assert not verify(str(dest)).failed
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
