"""Sums: read as sha256sum reads them, whatever a file is called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oci_layout import verify
from oci_layout.errors import UsageError
from oci_layout.verification.sums import parse, render
from tests.builders import make_image, write_oci_layout

ONE, TWO = "1" * 64, "2" * 64
# All that str.splitlines() takes for the end of a line, and what sha256sum escapes.
NAMES = [f"a{mark}{TWO}  index.json" for mark in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\\"]
NAMES += ["\\n", "a\\", " a", "a ", "*a", "#a", "a\rb", "a\r", "\udcff", "日", "a) = b", "-"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_comes_back(name: str) -> None:
    assert parse(render({name: ONE, "b": TWO}), "sums") == {name: ONE, "b": TWO}


@pytest.mark.parametrize("name", NAMES)
def test_sha256sum_agrees(name: str, tmp_path: Path) -> None:
    """Of a file of that name, its line is ours, and ours is taken by it."""
    raw = name.replace("/", "_").encode("utf-8", "surrogateescape")
    (tmp_path / "sums").write_bytes(b"")
    path = tmp_path / raw.decode("utf-8", "surrogateescape")
    path.write_bytes(b"x")
    for flag in (["--"], ["--tag", "--"]):
        line = subprocess.run(
            ["sha256sum", *flag, path.name], cwd=tmp_path, capture_output=True, check=True
        ).stdout
        if path.name == "-":
            continue  # sha256sum reads standard input
        values = parse(line.decode("utf-8", "surrogateescape"), "sums")
        assert list(values) == [path.name]
        if flag == ["--"]:
            assert render(values).encode("utf-8", "surrogateescape") == line
    (tmp_path / "sums").write_bytes(line)


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE} index.json",
        f"{ONE[1:]}  a",
        f"\\{ONE}  a\\x",
        f"\\{ONE}  a\\",
        f"{ONE}  ",
        f"x{ONE}  a",
        f"MD5 (a) = {ONE}",
        f"{ONE}  a\n{TWO}  a",
        f"{ONE}  a\n{TWO}  ./a",
    ],
)
def test_other_lines_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"sums: line \d"):
        parse(text, "sums")


def test_lines_of_others() -> None:
    text = f"# made by hand\r\n\r\n{ONE.upper()} *./a\r\n  {ONE}  a\n"
    assert parse(text, "sums") == {"a": ONE}


def test_a_name_plants_no_sum(tmp_path: Path) -> None:
    """A changed document stays found, though a file's name holds a line that is right for it."""
    source = write_oci_layout([make_image()], tmp_path / "in")
    (source / f"a\u2028{TWO}  index.json").write_bytes(b"")
    sums = tmp_path / "sums"
    verify(str(source), sums=str(sums))
    assert verify(str(source), against=str(sums)).findings == verify(str(source)).findings
    index = source / "index.json"
    index.write_bytes(index.read_bytes() + b"\n")
    assert "sums-mismatch" in {f.code for f in verify(str(source), against=str(sums)).findings}


def test_sums_that_are_too_many_are_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oci_layout.api.verification.DOCUMENT_BYTES", 100)
    source = write_oci_layout([make_image()], tmp_path / "in")
    (tmp_path / "sums").write_text(f"{ONE}  a\n{ONE}  b\n")
    with pytest.raises(UsageError, match="more than"):
        verify(str(source), against=str(tmp_path / "sums"))
