"""Files in order, and hard links as the files that they are names of."""

from __future__ import annotations

import random

import pytest

from oci_layout.filediff.filelist import FileList, path_key
from oci_layout.source import sorting
from oci_layout.streams.layerfiles import FileType, LayerFile


def file(path: str, kind: FileType = FileType.FILE, link: str = "", size: int = 0) -> LayerFile:
    return LayerFile(
        path=path,
        type=kind,
        mode=0o644,
        uid=0,
        gid=0,
        uname="",
        gname="",
        mtime=0,
        size=size,
        linkname=link,
    )


def link(path: str, target: str) -> LayerFile:
    return file(path, FileType.HARDLINK, target)


def told(*files: LayerFile) -> list[tuple[str, str, str, int, str]]:
    with FileList(None) as kept:
        for each in files:
            kept.add(each, 0)
        kept.settle()
        return [
            (x.file.path, x.file.type.value, x.file.linkname, x.file.size, x.bytes_at)
            for x in kept.as_files()
        ]


def test_which_name_is_the_file_does_not_count() -> None:
    one = told(file("b", size=3), link("a", "b"), link("c", "b"))
    other = told(file("c", size=3), link("b", "c"), link("a", "c"))
    assert [each[:4] for each in one] == [each[:4] for each in other]
    assert [each[:4] for each in one] == [
        ("a", "file", "", 3),
        ("b", "file", "a", 3),
        ("c", "file", "a", 3),
    ]
    assert [each[4] for each in one] == ["b", "", "b"]


def test_links_that_stay_links() -> None:
    """To what is not in the list, to a folder, or to what is a link itself."""
    found = told(
        link("a", "elsewhere"), file("d", FileType.DIRECTORY), link("e", "d"), link("f", "a")
    )
    assert [each[1] for each in found] == ["hard link", "directory", "hard link", "hard link"]


def test_a_link_to_a_symbolic_link_is_one() -> None:
    found = told(file("s", FileType.SYMLINK, "there"), link("a", "s"))
    assert [each[:3] for each in found] == [
        ("a", "symbolic link", "there"),
        ("s", "symbolic link", "there"),
    ]


def test_of_two_of_one_path_the_later_counts() -> None:
    assert told(link("a", "b"), file("b", size=1), file("a", size=2)) == [
        ("a", "file", "", 2, ""),
        ("b", "file", "", 1, ""),
    ]
    assert told(file("a", size=2), file("b", size=1), link("a", "b")) == [
        ("a", "file", "", 1, "b"),
        ("b", "file", "a", 1, ""),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_gives_the_same_list(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_RUN_BYTES", 3000)
    chance = random.Random(seed)  # noqa: S311  the same lists each time
    groups = []
    for number in range(chance.randrange(1, 60)):
        names = [f"{chance.choice('abc')}/{number}-{n}" for n in range(chance.randrange(1, 5))]
        groups.append((names, chance.randrange(9)))

    def any_order() -> list[tuple[str, str, str, int]]:
        files = []
        for names, size in groups:
            target = chance.choice(names)
            files.append(file(target, size=size))
            files += [link(name, target) for name in names if name != target]
        chance.shuffle(files)
        return [each[:4] for each in told(*files)]

    first = any_order()
    assert first == any_order()
    assert [each[0] for each in first] == sorted((n for g, _ in groups for n in g), key=path_key)
    sizes = {name: size for names, size in groups for name in names}
    assert all(size == sizes[path] for path, _, _, size in first)
