"""Original manifests beside images: which are of the image, and each way in which one is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits, verify
from tests.builders import make_image, name_annotations
from tests.builders.artifacts import Built, make_artifact, make_index, of_image, write_layout
from tests.builders.image import go_json
from tests.builders.originals import keep_original

FILES: list[dict[str, bytes]] = [{"a": b"1" * 900}, {"b": b"2"}]
OLD = of_image(make_image(FILES, names=("demo:1",)))
NEW = of_image(make_image(FILES, names=("demo:1",), compression="gzip"))
OTHER = of_image(make_image([{"a": b"evil"}, {"b": b"2"}]))
INDEX = make_index([OLD.entry()], OLD)
ENTRY = NEW.entry(annotations=name_annotations("demo:1"))


def changed(built: Built, change: Callable[[dict[str, Any]], object]) -> Built:
    """A manifest with one field otherwise, under its own digest."""
    value = json.loads(built.document)
    change(value)
    return Built(go_json(value), built.media_type, built.below)


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], object]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


@dataclass(frozen=True)
class Wrong:
    """An original that is none of the image.

    Args:
        artifact: that holds it.
        words: of the message.
    """

    artifact: Built
    words: str


def _without(digest: str, built: Built) -> Built:
    below = {key: data for key, data in built.below.items() if key != digest}
    return Built(built.document, built.media_type, below)


def _bytes(digest: str, data: bytes, built: Built) -> Built:
    return Built(built.document, built.media_type, {**built.below, digest: data})


KEPT = keep_original(NEW, OLD, INDEX)
WRONG = {
    "another image": Wrong(keep_original(NEW, OTHER), "has the config"),
    "another config": Wrong(
        keep_original(NEW, changed(OLD, _set("config", to=json.loads(OTHER.document)["config"]))),
        "has the config",
    ),
    "a layer less": Wrong(
        keep_original(NEW, changed(OLD, lambda value: value["layers"].pop())), "lists 1 layer,"
    ),
    "a layer more": Wrong(
        keep_original(NEW, changed(OLD, lambda value: value["layers"].append(value["layers"][0]))),
        "lists 3 layers,",
    ),
    "no layer": Wrong(keep_original(NEW, changed(OLD, _set("layers", to=[]))), "lists 0 layers,"),
    "an artifact": Wrong(
        keep_original(NEW, make_artifact(b"x", artifact_type="application/x")),
        "is no manifest of an image",
    ),
    "an index alone": Wrong(keep_original(NEW, INDEX), "is no manifest"),
    "an index of others": Wrong(
        keep_original(NEW, OLD, make_index([OTHER.entry()])), "does not lead to"
    ),
    "a manifest in the place of an index": Wrong(
        keep_original(NEW, OLD, OTHER), "does not lead to"
    ),
    "nothing": Wrong(keep_original(NEW), "lists 0 documents"),
    "too much": Wrong(
        keep_original(
            NEW,
            OLD,
            *(
                make_index([OLD.entry()], annotations={"n": str(number)})
                for number in range(limits.ORIGINAL_INDEXES + 1)
            ),
        ),
        "lists 18 documents",
    ),
    "no JSON": Wrong(
        keep_original(NEW, Built(b"x" * 40, OLD.media_type, {})), "is no manifest or index"
    ),
    "no manifest": Wrong(
        keep_original(NEW, Built(b'{"schemaVersion":2}', OLD.media_type, {})),
        "is no manifest or index",
    ),
    "other bytes": Wrong(
        _bytes(OLD.digest, OLD.document.replace(b"layers", b"Layers"), KEPT), "was changed"
    ),
    "other bytes of the index": Wrong(
        _bytes(INDEX.digest, INDEX.document.replace(b"manifests", b"Manifests"), KEPT),
        "was changed",
    ),
    "not there": Wrong(_without(OLD.digest, KEPT), "is not there"),
    "the index not there": Wrong(_without(INDEX.digest, KEPT), "is not there"),
}


def codes(source: Path, severity: str = "error") -> dict[str, str]:
    report = verify(str(source), jobs=1)
    return {each.code: each.message for each in report.findings if each.severity == severity}


@pytest.mark.parametrize("listed", [False, True])
def test_one_that_is_of_the_image(listed: bool, tmp_path: Path) -> None:
    entries = [ENTRY, KEPT.entry()] if listed else [ENTRY]
    source = write_layout(tmp_path / "in", entries, NEW, KEPT)
    assert not codes(source)
    assert OLD.digest in codes(source, "note")["original-kept"]
    (image,) = verify(str(source), check="quick").to_json()["images"]
    assert image["originals"] == [OLD.digest]


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("check", ["full", "quick"])
def test_one_that_is_not(name: str, check: str, tmp_path: Path) -> None:
    wrong = WRONG[name]
    source = write_layout(tmp_path / "in", [ENTRY], NEW, wrong.artifact)
    report = verify(str(source), jobs=1, check=check)
    messages = [each.message for each in report.findings if each.code == "original-mismatch"]
    assert [wrong.words in each for each in messages] == [True], [
        str(each) for each in report.findings
    ]
    assert report.verdict() == "damaged"
    assert report.images[0].originals == ()


def test_an_opaque_layer_must_be_the_very_one(tmp_path: Path) -> None:
    """Nothing but its digest says what is in an encrypted layer: its diff_id is of the tar."""
    kind = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"

    def encrypted(value: dict[str, Any]) -> None:
        for layer in value["layers"]:
            layer["mediaType"] = kind

    new = changed(NEW, encrypted)
    entry = new.entry(annotations=name_annotations("demo:1"))
    source = write_layout(tmp_path / "a", [entry], new, NEW, keep_original(new, OLD))
    assert "is no tar" in codes(source)["original-mismatch"]
    again = changed(new, _set("annotations", to={"a": "b"}))
    source = write_layout(tmp_path / "b", [entry], new, NEW, keep_original(new, again))
    assert not codes(source)


def test_what_its_image_is_not_here(tmp_path: Path) -> None:
    artifact = keep_original(OTHER, OLD)
    source = write_layout(tmp_path / "in", [ENTRY, artifact.entry()], NEW, artifact)
    assert not codes(source)
    assert "absent-subject" in codes(source, "note")


def test_how_many_of_one_image_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ORIGINALS", 3)
    several = [
        keep_original(NEW, changed(OLD, _set("annotations", to={"n": str(number)})))
        for number in range(5)
    ]
    source = write_layout(tmp_path / "in", [ENTRY], NEW, *several[:3])
    assert not codes(source)
    source = write_layout(tmp_path / "more", [ENTRY], NEW, *several)
    assert "more than 3" in codes(source)["original-mismatch"]


def test_how_much_is_read_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ORIGINALS_BYTES", 100)
    source = write_layout(tmp_path / "in", [ENTRY], NEW, KEPT)
    assert "too large" in codes(source)["original-mismatch"]
