"""A signature of what an image was before it was converted: same image ID as signed, or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from oci_layout import VerifyReport, merge, repack, verify
from tests.builders import make_image, name_annotations, write_files, write_hybrid_archive
from tests.builders.artifacts import Built, make_index, of_image, write_layout
from tests.builders.image import hex_of
from tests.builders.notation import der, notation
from tests.builders.originals import keep_original
from tests.builders.signatures import (
    SLSA,
    attestations,
    bundled,
    classic,
    envelope,
    kinds,
    message_signature,
    private,
    public_pem,
    statement,
    tagged,
)
from tests.command import succeed
from tests.independent import check, read_files
from tests.signatures import test_notation
from tests.signatures.case import written

KEY, STRANGER = private(), private(number=1)
PEM = public_pem(KEY)
FILES: list[dict[str, bytes]] = [{"a": b"1" * 900}, {"b": b"2"}]
IMAGE = make_image(FILES, names=("demo:1",))
PART = of_image(IMAGE)
ARM = of_image(make_image([{"a": b"3" * 900}], architecture="arm64"))
INDEX = make_index(
    [
        PART.entry(platform={"os": "linux", "architecture": "amd64"}),
        ARM.entry(platform={"os": "linux", "architecture": "arm64"}),
    ],
    PART,
    ARM,
)
NAMES = name_annotations("demo:1")
SAME = "same image ID as signed"
GZIP: dict[str, Any] = {"to": "oci", "compression": "gzip"}
AMD: dict[str, Any] = {"platforms": ["linux/amd64"]}


def layout(signature: Built, of: Built = PART, *, tag: bool = False, listed: bool = True) -> Any:
    """A layout of an image, or of an index, and its signature."""

    def make(folder: Path) -> Path:
        entries = [of.entry(annotations=NAMES)]
        if tag:
            entries.append(tagged(signature, of.digest))
        elif listed:
            entries.append(signature.entry())
        return write_layout(folder / "signed", entries, of, signature)

    return make


SIGNED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tag": (layout(classic(PART.digest, KEY), tag=True), "image"),
    "bundle": (layout(bundled(PART.entry(), KEY)), "image"),
    "bundle, unlisted": (layout(bundled(PART.entry(), KEY), listed=False), "image"),
    "of the document": (
        layout(bundled(PART.entry(), KEY, content=message_signature(KEY, PART.document))),
        "image",
    ),
    "tag, index": (layout(classic(INDEX.digest, KEY), INDEX, tag=True), "index"),
    "bundle, index": (layout(bundled(INDEX.entry(), KEY), INDEX), "index"),
    "bundle, unlisted, index": (layout(bundled(INDEX.entry(), KEY), INDEX, listed=False), "index"),
    "of the document, index": (
        layout(bundled(INDEX.entry(), KEY, content=message_signature(KEY, INDEX.document)), INDEX),
        "index",
    ),
}
STEPS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "gzip": [("a.tar", GZIP)],
    "layout": [("a", GZIP)],
    "twice": [("a.tar", GZIP), ("b", {"to": "oci", "compression": "zstd:1"})],
    "registry": [("a", GZIP), ("reg", {"to": "registry"}), ("c.tar", {"to": "oci"})],
    "docker": [("a.tar", {"to": "docker", **AMD})],
    "docker and back": [("a.tar", {"to": "docker", **AMD}), ("b.tar", GZIP)],
    "docker twice": [
        ("a.tar", {"to": "docker", **AMD}),
        ("b", GZIP),
        ("c.tar", {"to": "docker"}),
        ("d.tar", {"to": "oci"}),
    ],
    "one platform": [("a.tar", AMD | GZIP)],
    "one platform, kept": [("a.tar", AMD | {"to": "oci"})],
}


def seen(source: Path, folder: Path, *keys: bytes, **how: Any) -> VerifyReport:
    """The report of a source, with a key."""
    how = {"require_signature": True, **how}
    return verify(str(source), jobs=1, keys=written(folder, "key", keys or (PEM,)), **how)


def codes(report: VerifyReport, severity: str = "error") -> set[str]:
    return {each.code for each in report.findings if each.severity == severity}


def steps(make: Callable[[Path], Path], way: str, folder: Path) -> Path:
    """The last of a chain of conversions."""
    source = make(folder)
    for dest, how in STEPS[way]:
        repack(source, folder / dest, keep_original=True, **how)
        source = folder / dest
    return source


@pytest.mark.parametrize("way", STEPS)
@pytest.mark.parametrize("name", SIGNED)
def test_the_chain_holds_after_conversions(name: str, way: str, tmp_path: Path) -> None:
    make, of = SIGNED[name]
    source = steps(make, way, tmp_path)
    check(source)  # every blob is led to
    report = seen(source, tmp_path)
    assert not report.failed, [str(each) for each in report.findings]
    assert report.verdict() == "sound"
    kept = way == "one platform, kept" and of == "image"
    every = [("signed" if kept else SAME)] * len(report.images)
    assert [chain.verdict for chain in report.chains or ()] == every
    for chain in report.chains or ():
        assert chain.links[0].verdict == "trusted"
        assert {link.verdict for link in chain.links[1:]} == {"holds"}
        if not kept:
            found = [link.step for link in chain.links[2:]]
            index = ["index as signed"] if of == "index" else []
            assert found == [*index, "manifest as signed", "config", "diff_ids", "bytes"]
            assert str(chain.original) in (PART.digest, ARM.digest)
    (first, *_) = report.to_json()["signatures"]
    assert first["verdict"] == every[0]


@pytest.mark.parametrize("way", ["gzip", "docker", "docker twice"])
def test_what_cosign_save_wrote(way: str, tmp_path: Path) -> None:
    """A signature that lies beside its image, and nothing but its place says of what it is."""
    signature = classic(PART.digest, KEY)
    entries = kinds([PART.entry(), signature.entry()], "image", "sigs")
    source = write_layout(tmp_path / "in", entries, PART, signature)
    report = seen(steps(lambda _: source, way, tmp_path), tmp_path)
    assert not report.failed, [str(each) for each in report.findings]
    assert [chain.verdict for chain in report.chains or ()] == [SAME]


def test_notation_too(tmp_path: Path) -> None:
    chain = der(test_notation.LEAF, test_notation.ROOT)
    signature = notation(PART.entry(), test_notation.KEY, chain)
    source = steps(layout(signature), "docker and back", tmp_path)
    report = seen(source, tmp_path, *test_notation.TRUSTED)
    assert [chain.verdict for chain in report.chains or ()] == [SAME], report.findings


@pytest.mark.parametrize("kept_before", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_what_the_report_says_of_signatures(keep: bool, kept_before: bool, tmp_path: Path) -> None:
    """It holds by an original of what it is of; the first one stays, and is none of the second."""
    signature = classic(NEW.digest, KEY)
    entries = [NEW.entry(annotations=NAMES), tagged(signature, NEW.digest)]
    artifacts = [keep_original(NEW, PART)] if kept_before else []
    source = write_layout(tmp_path / "in", entries, NEW, signature, *artifacts)
    how: dict[str, Any] = {"to": "oci", "compression": "zstd:1"}
    report = repack(source, tmp_path / "out", keep_original=keep, **how)
    (text,) = [str(each) for each in report.changes if "cosign" in str(each) or ".sig" in str(each)]
    by_original = "holds by the original manifest" in text
    assert by_original is (keep and not kept_before), text
    assert ("will not verify" in text) is not by_original
    chains = seen(tmp_path / "out", tmp_path).chains or ()
    assert [chain.verdict == SAME for chain in chains] == [by_original]


def test_without_originals_it_is_of_the_old_digest(tmp_path: Path) -> None:
    for name in ("tag", "bundle"):
        folder = tmp_path / name
        folder.mkdir()
        repack(SIGNED[name][0](folder), folder / "a", **GZIP)
        assert "signature-stale" in codes(seen(folder / "a", folder))


def test_an_attestation_holds_as_well(tmp_path: Path) -> None:
    raw = statement(PART.digest, SLSA, {"buildType": "make"})
    attested = attestations((envelope(raw, KEY), SLSA))
    signature = classic(PART.digest, KEY)
    entries = [
        PART.entry(annotations=NAMES),
        tagged(signature, PART.digest),
        tagged(attested, PART.digest, ".att"),
    ]
    source = write_layout(tmp_path / "in", entries, PART, signature, attested)
    repack(source, tmp_path / "a.tar", keep_original=True, **GZIP)
    report = seen(tmp_path / "a.tar", tmp_path, attestation=SLSA)
    assert not report.failed, [str(each) for each in report.findings]
    assert [each.image for each in report.attestations] == [PART.digest]
    quick = seen(tmp_path / "a.tar", tmp_path, attestation=SLSA, check="quick")
    assert "attestation-missing" in codes(quick)


def test_thin_and_completed(tmp_path: Path) -> None:
    base = write_hybrid_archive([make_image(FILES[:1], names=("base:1",))], tmp_path / "base.tar")
    source = SIGNED["bundle"][0](tmp_path)
    how: dict[str, Any] = {"to": "docker", "keep_original": True, "have": str(base)}
    repack(source, tmp_path / "thin.tar", **how)
    report = seen(tmp_path / "thin.tar", tmp_path, bases=str(base))
    assert [chain.verdict for chain in report.chains or ()] == [SAME], report.findings
    alone = seen(tmp_path / "thin.tar", tmp_path)
    assert SAME not in {chain.verdict for chain in alone.chains or ()}
    assert alone.failed
    # Completed to another digest, and to the very one that was signed.
    for how, verdict in ((GZIP, SAME), ({"to": "oci"}, "signed")):
        dest = tmp_path / f"{verdict}.tar"
        repack(tmp_path / "thin.tar", dest, bases=str(base), **how)
        report = seen(dest, tmp_path)
        assert [chain.verdict for chain in report.chains or ()] == [verdict]


def test_a_signature_that_came_another_way(tmp_path: Path) -> None:
    """It was made meanwhile, or taken from a registry: merged with the image it holds of it."""
    source = write_layout(tmp_path / "in", [PART.entry(annotations=NAMES)], PART)
    repack(source, tmp_path / "a.tar", to="docker", keep_original=True)
    assert "signature-missing" in codes(seen(tmp_path / "a.tar", tmp_path))
    signature = classic(PART.digest, KEY)
    alone = write_layout(tmp_path / "sig", [tagged(signature, PART.digest)], signature)
    merge([str(tmp_path / "a.tar"), str(alone)], tmp_path / "both", **GZIP)
    report = seen(tmp_path / "both", tmp_path)
    assert [chain.verdict for chain in report.chains or ()] == [SAME], report.findings


@pytest.mark.parametrize("to", ["oci", "docker"])
def test_of_several_sources_one_index(to: str, tmp_path: Path) -> None:
    """Each source has an index that is signed; the one that is made of them is new."""
    sources = []
    for built, arch in ((PART, "amd64"), (ARM, "arm64")):
        index = make_index([built.entry(platform={"os": "linux", "architecture": arch})], built)
        signature = bundled(index.entry(), KEY)
        entries = [index.entry(annotations=NAMES)]
        sources.append(str(write_layout(tmp_path / arch, entries, index, signature)))
    how: dict[str, Any] = {"multi_platform": True, "keep_original": True}
    if to == "docker":
        merge(sources, tmp_path / "first", **how)
        repack(tmp_path / "first", tmp_path / "all.tar", to="docker", keep_original=True, **AMD)
    else:
        merge(sources, tmp_path / "all.tar", compression="gzip", **how)
    check(tmp_path / "all.tar")
    report = seen(tmp_path / "all.tar", tmp_path)
    assert not report.failed, [str(each) for each in report.findings]
    assert {chain.verdict for chain in report.chains or ()} == {SAME}


NEW = of_image(make_image(FILES, names=("demo:1",), compression="gzip"))
EVIL = of_image(make_image([{"a": b"evil"}, {"b": b"2"}], names=("demo:1",), compression="gzip"))
BESIDE = classic(PART.digest, KEY)


def kept(
    now: Built, *documents: Built, signature: Built = BESIDE, of: str = PART.digest
) -> Callable[[Path], Path]:
    """An image, an original beside it, and a signature of that."""
    artifact = keep_original(now, *documents)
    entries = [now.entry(annotations=NAMES), tagged(signature, of)]
    return lambda folder: write_layout(folder / "in", entries, now, artifact, signature)


def _changed(make: Callable[[Path], Path], digest: str, old: bytes, new: bytes) -> Any:
    def make_it(folder: Path) -> Path:
        files = read_files(make(folder))
        name = f"blobs/sha256/{hex_of(digest)}"
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)
        return write_files(files, folder / "changed")

    return make_it


def _otherwise(built: Built) -> Built:
    """An image of the same config whose first layer is another one."""
    value = json.loads(built.document)
    evil = json.loads(EVIL.document)["layers"][0]
    value["layers"][0] = evil
    raw = json.dumps(value).encode()
    return Built(raw, built.media_type, {**built.below, evil["digest"]: EVIL.below[evil["digest"]]})


@dataclass(frozen=True)
class Fails:
    """What must not pass for the image that was signed."""

    make: Callable[[Path], Path]
    code: str
    how: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[bytes, ...] = (PEM,)


CONFIG = json.loads(NEW.document)["config"]["digest"]
FAILS = {
    "a stranger's key": Fails(kept(NEW, PART), "signature-untrusted", keys=(public_pem(STRANGER),)),
    "another image's original": Fails(kept(EVIL, PART), "original-mismatch"),
    "another layer of the same config": Fails(kept(_otherwise(NEW), PART), "diffid-mismatch"),
    "another layer, not unpacked": Fails(
        kept(_otherwise(NEW), PART), "original-unchecked", {"check": "digests"}
    ),
    "another layer, not read": Fails(
        kept(_otherwise(NEW), PART), "original-unchecked", {"check": "quick"}
    ),
    "a changed original": Fails(
        _changed(kept(NEW, PART), PART.digest, b"layers", b"Layers"), "original-mismatch"
    ),
    "a changed original is not signed": Fails(
        _changed(kept(NEW, PART), PART.digest, b"layers", b"Layers"), "signature-stale"
    ),
    "a changed config": Fails(
        _changed(kept(NEW, PART), CONFIG, b"amd64", b"arm64"), "digest-mismatch"
    ),
    "a signature of another": Fails(
        kept(NEW, PART, signature=classic(EVIL.digest, KEY)), "signature-moved"
    ),
    "the index of an original, not led to": Fails(
        kept(
            NEW,
            PART,
            make_index([EVIL.entry()]),
            signature=classic(make_index([EVIL.entry()]).digest, KEY),
            of=make_index([EVIL.entry()]).digest,
        ),
        "original-mismatch",
    ),
    "no original": Fails(
        lambda folder: write_layout(
            folder / "in",
            [NEW.entry(annotations=NAMES), tagged(BESIDE, PART.digest)],
            NEW,
            BESIDE,
        ),
        "signature-stale",
    ),
}


@pytest.mark.parametrize("name", FAILS)
def test_what_was_not_signed_is_not_taken_for_it(name: str, tmp_path: Path) -> None:
    case = FAILS[name]
    report = seen(case.make(tmp_path), tmp_path, *case.keys, **case.how)
    assert case.code in codes(report), [str(each) for each in report.findings]
    assert SAME not in {chain.verdict for chain in report.chains or ()}
    assert report.failed


def test_a_layer_that_an_image_calls_something_else_is_not_believed(tmp_path: Path) -> None:
    """An image that lists the same blob as no tar keeps it from being unpacked: no proof then."""
    bad = _otherwise(NEW)
    value = json.loads(bad.document)
    value["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
    other = Built(json.dumps(value).encode(), bad.media_type, bad.below)
    artifact = keep_original(bad, PART)
    for number, first in enumerate((True, False)):
        images = [other.entry(annotations=name_annotations("x:1")), bad.entry(annotations=NAMES)]
        entries = [*(images if first else reversed(images)), tagged(BESIDE, PART.digest)]
        source = write_layout(tmp_path / str(number), entries, bad, other, artifact, BESIDE)
        report = seen(source, tmp_path)
        assert SAME not in {chain.verdict for chain in report.chains or ()}
        assert report.failed


def test_not_unpacked_is_a_warning_where_nothing_is_required(tmp_path: Path) -> None:
    source = kept(NEW, PART)(tmp_path)
    report = seen(source, tmp_path, require_signature=False, check="digests")
    assert "original-unchecked" in codes(report, "warning")
    assert not report.failed
    assert [chain.verdict for chain in report.chains or ()] == ["not signed"]


def test_layers_that_stayed_need_not_be_unpacked(tmp_path: Path) -> None:
    """Where only media types changed, the digests are those that were signed."""
    again = of_image(IMAGE, "docker")
    report = seen(kept(again, PART)(tmp_path), tmp_path, check="digests")
    assert [chain.verdict for chain in report.chains or ()] == [SAME]


def test_its_own_signature_comes_first(tmp_path: Path) -> None:
    artifact = keep_original(NEW, PART)
    own = classic(NEW.digest, KEY)
    entries = [
        NEW.entry(annotations=NAMES),
        tagged(BESIDE, PART.digest),
        tagged(own, NEW.digest),
    ]
    source = write_layout(tmp_path / "in", entries, NEW, artifact, BESIDE, own)
    (chain,) = seen(source, tmp_path).chains or ()
    assert (chain.verdict, chain.original) == ("signed", None)


def test_what_the_command_prints(tmp_path: Path) -> None:
    source = kept(NEW, PART)(tmp_path)
    key = tmp_path / "cosign.pub"
    key.write_bytes(PEM)
    done = succeed("verify", source, "--key", key, "--require-signature")
    text = " ".join(done.decode().split())
    assert f"{SAME} demo:1 linux/amd64" in text
    assert "manifest as signed" in text


def test_no_bit_that_changes_leaves_the_proof(tmp_path: Path) -> None:
    """Every seventh byte of the blobs of a signed image: what holds then is what was signed."""
    files = read_files(kept(NEW, PART)(tmp_path))
    folder = tmp_path / "flipped"
    write_files(files, folder)
    key = written(tmp_path, "key", (PEM,))
    tried = 0
    for name in sorted(files):
        if not name.startswith("blobs/"):
            continue
        for at in range(0, len(files[name]), 7):
            data = bytearray(files[name])
            data[at] ^= 1 << at % 8
            (folder / name).write_bytes(bytes(data))
            report = verify(str(folder), jobs=1, keys=key, require_signature=True)
            assert report.failed, (name, at)
            tried += 1
        (folder / name).write_bytes(files[name])
    assert tried > 200
    assert not verify(str(folder), jobs=1, keys=key, require_signature=True).failed
