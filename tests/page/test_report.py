"""The page as a file: what is on it, how it is written, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from oci_layout import DestinationError, NotAnImageError, SelectionError, UsageError, report_page
from tests.builders import make_image, write_oci_layout
from tests.page.made import SCRIPT, UNSEEN, hostile, image_at, ordinary
from tests.page.test_markup import read

OURS = {"html", "head", "meta", "link", "title", "style", "body", "script"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return ordinary(tmp_path_factory.mktemp("images") / "image")


def page_of(source: str, path: Path, **options: object) -> str:
    report_page(source, path, **options)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_a_page_has_it_all(image: str, tmp_path: Path) -> None:
    page = page_of(image, tmp_path / "page.html")
    words = " ".join(read(page).words)
    for text in (
        "registry.example/team/app:1.4",
        "linux/amd64",
        "RUN rm -r /var/cache/apt/archives",
        "/var/cache/apt/archives/big.deb",
        "every digest, size and diff_id was checked",
        "docker@20.10",
        "PATH",
        "removed",
        "replaced",
    ):
        assert text in words, text


def test_the_policy_allows_what_is_there_and_nothing_else(image: str, tmp_path: Path) -> None:
    page = page_of(image, tmp_path / "page.html")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    for kind, element in (("style", "style"), ("script", "script")):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    found = read(page)
    assert {"style", "onclick", "onload", "src"}.isdisjoint(found.attributes)
    assert {"img", "iframe", "object", "form", "base"}.isdisjoint(found.tags)
    assert not re.findall(r'href="(?!#|data:,)', page)


def test_script_of_an_image_is_text(tmp_path: Path) -> None:
    page = page_of(hostile(tmp_path / "hostile"), tmp_path / "page.html")
    found = read(page)
    assert found.tags.count("script") == 2  # our own, and data
    assert found.tags.count("style") == 1
    assert "img" not in found.tags
    assert {"onmouseover", "onfocus", "onerror", "autofocus"}.isdisjoint(found.attributes)
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_the_same_source_gives_the_same_page(image: str, tmp_path: Path) -> None:
    assert page_of(image, tmp_path / "a.html") == page_of(image, tmp_path / "b.html")


def test_quick_reads_no_layer(image: str, tmp_path: Path) -> None:
    page = page_of(image, tmp_path / "page.html", quick=True)
    assert "no layer was read" in page
    assert "Largest files" not in page
    assert 'type="application/json"' not in page


def test_two_sources_give_their_difference(image: str, tmp_path: Path) -> None:
    other = ordinary(tmp_path / "other", seed=9)
    done = report_page(image, tmp_path / "page.html", against=other)
    assert (done.verdict, done.images, done.sound) == ("different", 1, None)
    words = " ".join(read((tmp_path / "page.html").read_text()).words)
    for text in ("The manifest digest differs because", "layers[0].digest", "added", "removed"):
        assert text in words


def test_damage_is_told_on_the_page(tmp_path: Path) -> None:
    image = make_image()
    folder = write_oci_layout([image], tmp_path / "image")
    blob = folder / "blobs" / image.layers[0].digest.replace(":", "/")
    blob.write_bytes(b"x" * blob.stat().st_size)
    done = report_page(folder, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert done.sound is False
    assert "digest-mismatch" in page
    assert "the files could not be read" in page


def test_a_page_of_many_files_stays_small(tmp_path: Path) -> None:
    source = ordinary(tmp_path / "image", files=50_000)
    done = report_page(source, tmp_path / "page.html")
    assert done.size < 1_000_000
    assert done.size == (tmp_path / "page.html").stat().st_size
    assert "smaller file" in (tmp_path / "page.html").read_text()


def test_a_page_that_is_there_stays(image: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    with pytest.raises(DestinationError, match="--force replaces it"):
        report_page(image, page)
    assert page.read_text() == "mine"
    report_page(image, page, force=True)
    assert page.read_text().startswith("<!doctype html>")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_what_is_refused(image: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="standard input"):
        report_page("-", tmp_path / "page.html")
    with pytest.raises(DestinationError):
        report_page(image, tmp_path)
    with pytest.raises(DestinationError, match="inside the source"):
        report_page(image, Path(image) / "page.html")
    with pytest.raises(SelectionError):
        report_page(image, tmp_path / "page.html", images=["absent"])
    (tmp_path / "text").write_text("no image")
    with pytest.raises(NotAnImageError):
        report_page(tmp_path / "text", tmp_path / "page.html")
    with pytest.raises(UsageError):
        report_page(image, tmp_path / "page.html", targets=["nobody@9"])
    assert not (tmp_path / "page.html").exists()


def test_lines_of_texts_are_text(tmp_path: Path) -> None:
    """Of each layer that differs, line by line, and nothing in them is a tag."""
    sides = [
        image_at(
            tmp_path / str(number),
            {"etc/first": f"{SCRIPT}\nsame\n{number}\n".encode()},
            {"etc/second": f"{number} {UNSEEN}\n".replace("\0", "").encode()},
        )
        for number in (1, 2)
    ]
    page = page_of(sides[0], tmp_path / "page.html", against=sides[1])
    (first, second) = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert first.splitlines() == [
        "@@ -1,3 +1,3 @@",
        " &lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        " same",
        "-1",
        "+2",
    ]
    assert second.splitlines()[1].startswith("-1 \\u202egnp.exe\\x1b[31m")
    assert read(page).tags.count("script") == 1
    words = " ".join(read(page).words)
    assert "Of layer 0 of A and layer 0 of B: 0 added, 0 removed, 1 changed, 1 the same." in words
    assert "Of layer 1 of A and layer 1 of B" in words
