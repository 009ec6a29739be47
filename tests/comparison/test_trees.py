"""What containers of two images would see, and what does not count of it."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import UsageError, diff, export, limits
from oci_layout.comparison.report import ImagePair
from oci_layout.filediff.report import FilesReport
from tests.builders import Image, Layer, write_oci_layout
from tests.chance.trees import Habits, Making
from tests.command import layout
from tests.comparison.made import IMAGE, edited, layered
from tests.rootfs.entries import Entry, entry, folder, hardlink, layer, symlink
from tests.rootfs.made import written

BASE = layer(folder("etc"), entry("etc/a", b"1\n"), entry("etc/b", b"2\n"))


def compared(tmp_path: Path, a: list[bytes], b: list[bytes], **how: Any) -> ImagePair:
    """Two images of these layers, whose configs differ in nothing but diff_ids."""
    config = {key: value for key, value in IMAGE.config.items() if key != "history"}
    plain = Image(layers=IMAGE.layers, config=config, names=IMAGE.names)
    sides = []
    for name, tars in (("a", a), ("b", b)):
        image = layered(plain, tuple(Layer(tar, "gzip") for tar in tars))
        sides.append(str(write_oci_layout([image], tmp_path / name)))
    (pair,) = diff(sides[0], sides[1], **how).pairs
    return pair


def trees(tmp_path: Path, a: list[bytes], b: list[bytes], **how: Any) -> FilesReport:
    found = compared(tmp_path, a, b, rootfs=True, **how).rootfs
    assert found is not None
    return found


def test_added_removed_changed(tmp_path: Path) -> None:
    found = trees(
        tmp_path,
        [BASE, layer(entry("etc/.wh.a"), entry("x", b"old"))],
        [BASE, layer(entry("etc/b", b"3\n"), entry("x", b"old"))],
    )
    assert [(each.path, each.change, each.attributes) for each in found.differences] == [
        ("etc/a", "added", ()),
        ("etc/b", "changed", ("content",)),
    ]
    assert (found.a, found.b, found.same, found.reordered) == (None, None, 2, None)
    (changed,) = [each for each in found.differences if each.change == "changed"]
    assert changed.a is not None
    assert changed.b is not None
    assert (changed.a.layer, changed.b.layer) == (0, 1)
    assert [(each.path, each.lines) for each in found.texts] == [
        ("etc/b", ("@@ -1 +1 @@", "-2", "+3"))
    ]


def test_how_files_are_spread_over_layers_does_not_count(tmp_path: Path) -> None:
    """A squashed image has the same tree; without --ignore that is no verdict."""
    top = layer(entry("etc/c", b"3"), entry("etc/.wh.a"))
    whole = layer(entry("etc/c", b"3"), entry("etc/b", b"2\n"), folder("etc"))
    for number, (words, verdict) in enumerate(
        (((), "different"), (("order",), "same but for what is ignored"))
    ):
        pair = compared(
            tmp_path / str(number), [BASE, top], [whole], rootfs=True, files=True, ignore=words
        )
        assert pair.rootfs is not None
        assert pair.rootfs.alike
        assert pair.rootfs.same == 3
        assert not all(each.alike for each in pair.layer_files)
        assert pair.verdict == verdict


def test_which_name_of_a_file_is_the_link_does_not_count(tmp_path: Path) -> None:
    one = layer(entry("a", b"text\n"), hardlink("b", "a"))
    other = layer(entry("b", b"text\n"), hardlink("a", "b"))
    assert trees(tmp_path / "1", [one], [other]).alike
    new = layer(entry("b", b"new\n"), hardlink("a", "b"))
    found = trees(tmp_path / "2", [one], [new])
    assert [(each.path, each.attributes) for each in found.differences] == [
        ("a", ("size", "content")),
        ("b", ("size", "content")),
    ]
    assert [(each.path, each.lines) for each in found.texts] == [
        ("a", ("@@ -1 +1 @@", "-text", "+new")),
        ("b", ("@@ -1 +1 @@", "-text", "+new")),
    ]


def test_bytes_of_a_link_whose_file_is_gone(tmp_path: Path) -> None:
    """The file that a link of a layer above keeps is read for its lines, too."""
    above = layer(hardlink("kept", "etc/a"), entry("etc/.wh.a"))
    changed = layer(folder("etc"), entry("etc/a", b"9\n"), entry("etc/b", b"2\n"))
    found = trees(tmp_path, [BASE, above], [changed, above])
    assert [each.path for each in found.differences] == ["kept"]
    assert [each.lines for each in found.texts] == [("@@ -1 +1 @@", "-1", "+9")]


def test_the_last_of_one_path_is_read(tmp_path: Path) -> None:
    twice = layer(entry("f", b"1\n"), entry("f", b"2\n"))
    found = trees(tmp_path, [twice], [layer(entry("f", b"3\n"))])
    assert [each.lines for each in found.texts] == [("@@ -1 +1 @@", "-2", "+3")]


def test_where_no_layer_differs_nothing_is_read(tmp_path: Path) -> None:
    bad = [b"this is no tar"]
    assert compared(tmp_path, bad, bad, rootfs=True, files=True).rootfs is None


IGNORED: dict[str, tuple[list[Entry], list[Entry]]] = {
    "mtime": ([entry("f", mtime=1)], [entry("f", mtime=2)]),
    "owner": ([entry("f", uid=1)], [entry("f", gid=2)]),
    "mode": ([entry("f", mode=0o644)], [entry("f", mode=0o4755)]),
    "xattrs": ([entry("f")], [entry("f", pax_headers={"SCHILY.xattr.user.a": "1"})]),
    "order": ([entry("f"), entry("g")], [entry("g"), entry("f")]),
}
BUT, DIFFERENT = "same but for what is ignored", "different"
OTHER_CONFIG = "same files, other config"


@pytest.mark.parametrize("word", IGNORED)
def test_what_is_ignored_does_not_count(word: str, tmp_path: Path) -> None:
    a, b = (layer(*entries) for entries in IGNORED[word])
    others = [each for each in IGNORED if each != word]
    for number, (words, verdict) in enumerate(
        (((), DIFFERENT), ((word,), BUT), ((word, *others), BUT), (tuple(others), DIFFERENT))
    ):
        pair = compared(tmp_path / str(number), [a], [b], files=True, ignore=words)
        assert pair.verdict == verdict, words
        assert pair.layer_files[0].alike is (word in words)
        assert pair.verdict.same is (verdict == BUT)
        assert pair.ignorable == ((word,) if verdict == DIFFERENT else ())


def test_what_cannot_be_ignored(tmp_path: Path) -> None:
    a = layer(entry("f", b"1"), symlink("s", "f"), entry("gone"), entry("t"))
    b = layer(entry("f", b"2"), symlink("s", "g"), entry("t", kind=tarfile.FIFOTYPE))
    pair = compared(tmp_path, [a], [b], files=True, rootfs=True, ignore=",".join(IGNORED))
    assert (pair.verdict, pair.ignorable) == (DIFFERENT, ())
    for found in (pair.layer_files[0], pair.rootfs):
        assert found is not None
        assert {each.path: each.attributes for each in found.differences} == {
            "f": ("content",),
            "s": ("linkname",),
            "gone": (),
            "t": ("type", "content"),
        }


@pytest.mark.parametrize(
    ("changes", "words", "verdict", "left"),
    [
        ({"created": "2001-01-01T00:00:00Z"}, "created", BUT, []),
        ({"created": "2001-01-01T00:00:00Z"}, "history", OTHER_CONFIG, ["created"]),
        ({"history": []}, "history", BUT, []),
        ({"history": []}, "created", OTHER_CONFIG, ["history"]),
        ({"created": "2001-01-01T00:00:00Z", "history": []}, "created,history", BUT, []),
        ({"author": "somebody"}, "created,history", OTHER_CONFIG, []),
        ({"author": "somebody", "history": []}, "created", OTHER_CONFIG, []),
    ],
)
def test_fields_of_the_config_that_do_not_count(
    changes: dict[str, Any], words: str, verdict: str, left: list[str], tmp_path: Path
) -> None:
    sides = [
        str(write_oci_layout([image], tmp_path / name))
        for name, image in (("a", IMAGE), ("b", edited(IMAGE, **changes)))
    ]
    found = diff(sides[0], sides[1], ignore=words)
    assert found.verdict == verdict
    assert [str(each) for each in found.ignored] == words.split(",")
    assert not found.pairs[0].config or verdict != BUT
    assert found.to_json()["pairs"][0]["ignorable"] == left


def test_times_of_the_history_alone(tmp_path: Path) -> None:
    lines = [{"created": f"2001-01-0{n}T00:00:00Z", "created_by": "RUN x"} for n in (1, 2)]
    other = [{**line, "created": "2020-01-01T00:00:00Z"} for line in lines]
    sides = [
        str(write_oci_layout([edited(IMAGE, history=each)], tmp_path / name))
        for name, each in (("a", lines), ("b", other))
    ]
    assert diff(sides[0], sides[1], ignore=["created"]).verdict == BUT
    found = diff(sides[0], sides[1])
    assert found.verdict == OTHER_CONFIG
    assert found.pairs[0].ignorable == ("created",)


def test_what_is_left_of_files_and_config(tmp_path: Path) -> None:
    """It is known where layers were compared, and told with what is ignored already."""
    sides = []
    for name, time in (("a", 1.0), ("b", 2.0)):
        image = layered(IMAGE, (Layer(layer(entry("f", mtime=time)), "none"),))
        image = edited(image, created=f"200{time:.0f}-01-01T00:00:00Z")
        sides.append(str(write_oci_layout([image], tmp_path / name)))
    assert diff(sides[0], sides[1]).pairs[0].ignorable == ()
    for read in ("files", "rootfs"):
        how: dict[str, Any] = {read: True}
        assert diff(sides[0], sides[1], **how).pairs[0].ignorable == ("mtime", "created")
        assert diff(sides[0], sides[1], **how, ignore="mtime").pairs[0].ignorable == ("created",)
    shown = layout("diff", *sides, "--rootfs", "--ignore", "mtime").stdout.decode()
    assert "With --ignore mtime,created nothing is left that differs." in shown
    assert "The one layer is another tar (diff_id)" in shown
    assert layout("diff", *sides, "--rootfs", "--ignore", "mtime,created").returncode == 0


def test_words_that_say_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'time' is none of mtime, owner, mode, xattrs, order"):
        compared(tmp_path, [BASE], [BASE], ignore="time")
    with pytest.raises(UsageError, match="none are compared"):
        compared(tmp_path, [BASE], [BASE], ignore="created,mode")


def test_what_is_no_small_text_has_no_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("binary", "latin", "large", "text")
    old = {"binary": b"\0a", "latin": b"\xe4\n", "large": b"x" * 101, "text": "ä\r\n".encode()}
    a = layer(*(entry(name, old[name]) for name in names))
    b = layer(*(entry(name, old[name] + b"y") for name in names))
    monkeypatch.setattr(limits, "TEXT_BYTES", 101)
    found = trees(tmp_path, [a], [b])
    assert found.changed == 4
    assert [each.path for each in found.texts] == ["text"]
    assert found.texts[0].lines == (
        "@@ -1 +1,2 @@",
        " ä\r",
        "+y",
        "\\ No newline at end of file",
    )
    assert found.texts_left_out == 0


def test_texts_are_bounded_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("TEXT_FILES", 3), ("TEXT_LINES", 4), ("TEXT_LINE_LETTERS", 5)):
        monkeypatch.setattr(limits, name, most)
    names = [f"f{number}" for number in range(8)]
    a = layer(*(entry(name, b"1\n2\n3\n4\n" + b"x" * 50) for name in names))
    b = layer(*(entry(name, b"5\n6\n7\n8\n" + b"x" * 50) for name in names))
    found = trees(tmp_path, [a], [b])
    assert [each.path for each in found.texts] == names[:3]
    assert found.texts_left_out == 5
    assert found.texts[0].lines == ("@@ -1...", "-1", "-2", "-3")
    assert found.texts[0].left_out == 7


@pytest.mark.parametrize("habits", [Habits(), Habits(far_links=True), Habits(parents=False)])
@pytest.mark.parametrize("seed", range(8))
def test_an_image_and_its_export_in_one_layer(seed: int, habits: Habits, tmp_path: Path) -> None:
    """Whichever layers files come from, and whichever name of a file comes first."""
    layers = list(Making(seed, habits).image(layers=1 + seed % 5, steps=20))
    export(written(tmp_path, *layers), tmp_path / "one.tar")
    one = (tmp_path / "one.tar").read_bytes()
    found = trees(tmp_path, layers, [one])
    assert found.alike, found.differences[:5]
    assert found.same > 3
