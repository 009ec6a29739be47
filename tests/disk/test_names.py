"""Names that may be written, and those of what is not whole yet."""

from __future__ import annotations

import pytest

from oci_layout.disk import names
from oci_layout.errors import UsageError


@pytest.mark.parametrize(
    "path", ["", ".", "..", "/", "//", "a/.", "a/..", "./", "../", "a/./", "\0"]
)
def test_what_names_no_file_is_refused(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        names.require_name("--output", path)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("path", ["a", "a/", ".a", "..a", "...", "/a", "../a", "-", " "])
def test_what_names_one_is_taken(path: str) -> None:
    names.require_name("--output", path)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "日" * 85, "a", "\udcff" * 250])
def test_a_temporary_name_is_never_too_long(name: str) -> None:
    begin = names.stem(name, 255)
    new = names.temporary(begin)
    old = names.old_of(new)
    assert max(len(new.encode("utf-8", "surrogateescape")), len(old)) <= 255
    assert names.new_of(old) == new
    assert names.leftovers(begin, [old, new, name, f"x{new}"]) == ([old], [new])


def test_long_names_that_begin_alike_are_told_apart() -> None:
    first, second = names.stem("a" * 254 + "b", 255), names.stem("a" * 254 + "c", 255)
    assert first != second


@pytest.mark.parametrize(
    ("parts", "directory", "expected"),
    [
        (("index.json",), False, True),
        (("blobs",), True, True),
        (("blobs", "sha256"), True, True),
        (("blobs", "sha256", "a" * 64), False, True),
        (("blobs", "sha256", "a" * 64), True, False),
        (("blobs", "sha256", "notes.txt"), False, False),
        (("thesis",), True, False),
        (("notes.txt",), False, False),
        ((".7.tmp",), False, True),
        (("version",), False, True),
    ],
)
def test_what_is_ours(parts: tuple[str, ...], directory: bool, expected: bool) -> None:
    assert names.ours(parts, directory=directory) is expected
