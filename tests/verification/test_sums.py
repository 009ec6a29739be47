"""Lines of sums, as sha256sum writes and reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oci_layout.digest import new_hash
from oci_layout.errors import UsageError
from oci_layout.verification.sums import parse, render

SUM = "ab" * 32
OTHER = "cd" * 32
NAMES = ["a", "x\u2028y", "x\x85y", "x\x0by\x0cz", "new\nline", "back\\slash", "\\n", "c\rr", " s "]


def test_hostile_names_come_back() -> None:
    values = dict.fromkeys([*NAMES, "lone\udc80"], SUM)
    assert parse(render(values), "s") == values


def test_sha256sum_takes_them(tmp_path: Path) -> None:
    running = new_hash("sha256")
    running.update(b"1")
    for name in NAMES:
        (tmp_path / name).write_bytes(b"1")
    text = render(dict.fromkeys(NAMES, running.hexdigest()))
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "-"],
        input=text.encode(),
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_name_plants_no_line() -> None:
    for break_ in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r":
        name = f"x{break_}{OTHER}  index.json"
        assert parse(f"{SUM}  {name}\n", "s") == {name: SUM}


def test_forms() -> None:
    assert parse(f"# by hand\n\n  {SUM.upper()} *./a\r\n", "s") == {"a": SUM}


@pytest.mark.parametrize(
    "text", ["x", f"{SUM}  ", f"\\{SUM}  a\\x", f"\\{SUM}  a\\", f"{SUM}  a\n{OTHER}  ./a"]
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="line"):
        parse(text, "s")
