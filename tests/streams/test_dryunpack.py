"""A layer that is unpacked on paper."""

from __future__ import annotations

import io
import tarfile

import pytest

from oci_layout import limits
from oci_layout.streams.dryunpack import Snag, lacking, unpack_on_paper
from oci_layout.where import Where
from tests.builders.strange import STRANGE, member, tar_of


def _snags(tar: bytes) -> list[Snag]:
    return [each.snag for each in unpack_on_paper(io.BytesIO(tar), Where())]


@pytest.mark.parametrize("name", STRANGE)
def test_all_of_it_is_read(name: str) -> None:
    reader = io.BytesIO(STRANGE[name][0])
    unpack_on_paper(reader, Where())
    assert reader.read(1) == b""


def test_each_kind_is_told_once() -> None:
    twice = [member("a", data=b"x")] * 4
    assert _snags(tar_of(*twice)) == [Snag.REPEATED]


def test_links_to_nothing_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOST_LINKS", 3)
    links = [member(f"l{number}", tarfile.LNKTYPE, "lost") for number in range(9)]
    assert _snags(tar_of(*links)) == [Snag.LOST_LINK] * 3


def test_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JUDGED_FILES", 2)
    assert _snags(tar_of(member("a"), member("b"), member("a"))) == []
    monkeypatch.setattr(limits, "JUDGED_FILES", 3)
    assert _snags(tar_of(member("a"), member("b"), member("a"))) == [Snag.REPEATED]


def test_what_a_layer_lacks() -> None:
    tar = tar_of(member("./a/b"), member("c/", tarfile.DIRTYPE))
    assert lacking(io.BytesIO(tar), Where(), {"a/b", "c", "d", "a"}) == {"d", "a"}
