"""A case: a source on disk, what is asked of it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oci_layout import VerifyReport, verify
from tests.builders import make_image, name_annotations, write_files
from tests.builders.artifacts import Built, make_index, of_image, write_layout
from tests.builders.image import hex_of
from tests.independent import read_files

Entry = dict[str, Any]
Make = Callable[[Path], Path]

IMAGE = make_image([{"etc/motd": b"hello\n"}])
OTHER = make_image([{"etc/motd": b"another\n"}], names=("other:1",))
ARM = make_image([{"etc/motd": b"hello\n"}], architecture="arm64")
BUILT, BUILT_OTHER, BUILT_ARM = of_image(IMAGE), of_image(OTHER), of_image(ARM)
DIGEST = BUILT.digest
SUBJECT: Mapping[str, Any] = BUILT.entry()
ENTRY = BUILT.entry(annotations=name_annotations("demo:1"))
OTHER_ENTRY = BUILT_OTHER.entry(annotations=name_annotations("other:1"))
INDEX = make_index(
    [
        BUILT.entry(platform={"os": "linux", "architecture": "amd64"}),
        BUILT_ARM.entry(platform={"os": "linux", "architecture": "arm64"}),
    ],
    BUILT,
    BUILT_ARM,
)
INDEX_ENTRY = INDEX.entry(annotations=name_annotations("demo:1"))


def layout(
    *attached: tuple[Entry, Built], entries: Sequence[Entry] = (ENTRY,), parts: Sequence[Built] = ()
) -> Make:
    """A layout of some entries, and what is attached to them."""
    listed = [*entries, *(entry for entry, _ in attached)]
    blobs = [BUILT, *parts, *(built for _, built in attached)]
    return lambda folder: write_layout(folder / "layout", listed, *blobs)


def referrer(built: Built) -> tuple[Entry, Built]:
    """An artifact as an entry of its own, whose subject says what it belongs to."""
    return built.entry(), built


def changed(make: Make, *changes: Callable[[dict[str, bytes]], object]) -> Make:
    """A layout that was changed after it was signed."""

    def after(folder: Path) -> Path:
        files = read_files(make(folder / "signed"))
        for change in changes:
            change(files)
        return write_files(files, folder / "changed")

    return after


def flip(digest: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], object]:
    """Other bytes in one blob, under the digest that it had."""

    def change(files: dict[str, bytes]) -> None:
        name = f"blobs/sha256/{hex_of(digest)}"
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


@dataclass(frozen=True)
class Case:
    """A source, what is trusted, and what comes of it.

    Args:
        name: of the case.
        make: writes the source into a folder.
        keys: files that are trusted.
        code: of the error that it must have; empty where every image must be signed.
        asked: other options of `verify`.
        files: files of other options, whose values are file names.
        require: whether an image that nothing signs is an error.
    """

    name: str
    make: Make
    keys: Sequence[bytes] = ()
    code: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    require: bool = True

    def run(self, folder: Path) -> VerifyReport:
        """The report."""
        source = self.make(folder)
        options: dict[str, Any] = {"require_signature": self.require, **self.asked}
        options["keys"] = written(folder, "key", self.keys)
        for option, contents in self.files.items():
            options[option] = written(folder, option, contents)
        return verify(str(source), jobs=1, **options)

    def check(self, folder: Path) -> VerifyReport:
        """Run it, and hold the report against what is expected."""
        report = self.run(folder)
        errors = [each.code for each in report.findings if each.severity == "error"]
        assert report.chains
        if self.code:
            assert self.code in errors, [str(each) for each in report.findings]
            assert report.failed
        else:
            assert not errors, [str(each) for each in report.findings]
            assert {chain.verdict for chain in report.chains} == {"signed"}
            for chain in report.chains:
                assert chain.links[0].verdict == "trusted"
                assert {link.verdict for link in chain.links[1:]} == {"holds"}
                assert chain.links[-1].step == "bytes"
        return report


def written(folder: Path, name: str, contents: Sequence[bytes]) -> list[str]:
    """Files with some contents."""
    paths = []
    for number, data in enumerate(contents):
        path = folder / f"{name}{number}.pem"
        path.write_bytes(data)
        paths.append(str(path))
    return paths
