"""Keys in another case, as Go reads them: the same image, and one spelling of what is written."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import check, diff, inspect, repack
from oci_layout.errors import SelectionError
from tests.builders import go_json, make_image, sha256, write_files, write_oci_layout
from tests.builders.trees import read
from tests.verification.checking import errors

TYPE = "application/vnd.oci.image"
IMAGE = make_image([{"a": b"one"}, {"b": b"two"}])
# The keys of maps are free, all below them too.
FREE = {"annotations", "Labels", "Env"}


def upper(key: str, chance: random.Random) -> str:
    return key.upper()


def title(key: str, chance: random.Random) -> str:
    return key[:1].swapcase() + key[1:]


def odd(key: str, chance: random.Random) -> str:
    """Any case, with the two characters beyond ASCII that fold to a letter."""
    other = {"s": "sS\u017f", "k": "kK\u212a"}
    return "".join(chance.choice(other.get(c.lower(), c.lower() + c.upper())) for c in key)


Spell = Callable[[str, random.Random], str]
SPELLINGS = [pytest.param(each, id=each.__name__) for each in (upper, title, odd)]


def spelled(value: Any, spell: Spell, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [spelled(item, spell, chance) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        spell(key, chance): item if key in FREE else spelled(item, spell, chance)
        for key, item in value.items()
    }


def layout(folder: Path, spell: Spell, *, name: str = "x.io/new:1", nested: bool = False) -> Path:
    """An OCI layout with all its known keys spelled anew."""
    chance = random.Random(1)  # noqa: S311  only to vary
    blobs = {layer.digest: layer.stored for layer in IMAGE.layers}
    blobs[IMAGE.config_digest] = IMAGE.config_bytes
    manifest = go_json(spelled(IMAGE.manifest("oci"), spell, chance))
    blobs[sha256(manifest)] = manifest
    top, kind = manifest, "manifest"
    if nested:
        platform = {"os": "linux", "architecture": "amd64"}
        entry = entry_of(manifest, "manifest") | {"platform": platform}
        top, kind = index_of([entry], spell, chance), "index"
        blobs[sha256(top)] = top
    named = entry_of(top, kind) | {"annotations": {"org.opencontainers.image.ref.name": name}}
    files = {f"blobs/{digest.replace(':', '/')}": data for digest, data in blobs.items()}
    files["index.json"] = index_of([named], spell, chance)
    files["oci-layout"] = go_json(spelled({"imageLayoutVersion": "1.0.0"}, spell, chance))
    return write_files(files, folder)


def entry_of(raw: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": f"{TYPE}.{kind}.v1+json", "digest": sha256(raw), "size": len(raw)}


def index_of(entries: list[Any], spell: Spell, chance: random.Random) -> bytes:
    value = {"schemaVersion": 2, "mediaType": f"{TYPE}.index.v1+json", "manifests": entries}
    return go_json(spelled(value, spell, chance))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("spell", SPELLINGS)
def test_read_by_every_verb(spell: Spell, nested: bool, tmp_path: Path) -> None:
    source = layout(tmp_path / "source", spell, nested=nested)
    assert errors(source) == set()
    (image,) = inspect(str(source)).to_json()["roots"]
    assert image["names"] == ["x.io/new:1"]
    assert diff(str(source), str(source)).to_json()["verdict"] == "identical"
    assert check(str(source)).to_json()


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("spell", SPELLINGS)
def test_what_is_written_has_canonical_keys(
    spell: Spell, nested: bool, target: str, tmp_path: Path
) -> None:
    source = layout(tmp_path / "source", spell, nested=nested)
    done = tmp_path / "out.tar"
    repack(str(source), str(done), to=target, names=("other:2",), compression="none")
    assert errors(done) == set()
    for entry in json.loads(read(done)["index.json"])["manifests"]:
        assert set(entry) <= {"mediaType", "digest", "size", "annotations", "platform"}
        assert set(entry.get("platform", {})) <= {"os", "architecture"}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("spell", SPELLINGS)
def test_appended_whole(spell: Spell, nested: bool, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    first = layout(tmp_path / "first", title, name="x.io/first:1")
    repack(str(first), str(dest), to="oci")
    repack(str(layout(tmp_path / "s", spell, nested=nested)), str(dest), to="oci", append=True)
    assert errors(dest) == set()


def test_a_name_that_is_there_is_noticed(tmp_path: Path) -> None:
    """In an old entry that is spelled in another way, and without its registry."""
    dest = layout(tmp_path / "dest", title, name="hello:1")
    other = make_image([{"c": b"three"}], names=("hello:1",))
    source = write_oci_layout([other], tmp_path / "source")
    before = read(dest)
    with pytest.raises(SelectionError, match="hello:1 names two"):
        repack(str(source), str(dest), to="oci", append=True)
    assert read(dest) == before


def test_blobs_of_an_artifact(tmp_path: Path) -> None:
    blob = b"BLOB"
    stated = {"MediaType": "a/b", "Digest": sha256(blob), "Size": len(blob)}
    kind = f"{TYPE[: -len('image')]}artifact.manifest.v1+json"
    manifest = go_json({"mediaType": kind, "artifactType": "a/b", "Blobs": [stated]})
    entry = {"mediaType": kind, "digest": sha256(manifest), "size": len(manifest)}
    files = {f"blobs/sha256/{sha256(data)[7:]}": data for data in (blob, manifest)}
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": [entry]})
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    done = tmp_path / "done"
    repack(str(write_files(files, tmp_path / "source")), str(done), to="oci")
    assert read(done)[f"blobs/sha256/{sha256(blob)[7:]}"] == blob


def test_numbers_stay_what_they_are(tmp_path: Path) -> None:
    """A field that nobody knows, in an index that is added to twice."""
    dest = layout(tmp_path / "dest", title)
    raw = (dest / "index.json").read_bytes()
    (dest / "index.json").write_bytes(raw[:-1] + b',"x":[1e400,-0,1.50,-1E5]}')
    for number in range(2):
        other = make_image([{"c": bytes([number])}], names=(f"other:{number}",))
        repack(
            str(write_oci_layout([other], tmp_path / str(number))),
            str(dest),
            to="oci",
            append=True,
        )
        assert b'"x":[1e400,-0,1.50,-1E5]' in (dest / "index.json").read_bytes()
    assert errors(dest) == set()
