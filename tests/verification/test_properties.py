"""Whatever stands in headers, documents and bytes: nothing but the package's own errors."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oci_layout import LayoutError
from oci_layout.codes import CODES
from tests.builders import go_json, write_files
from tests.verification.checking import layout_of, report_of, tar_of, tiny
from tests.verification.flipping import FAMILIES, build

IMAGE = tiny()
LAYERS = [layer.stored for layer in IMAGE.layers]
PROFILE = settings(
    max_examples=2_000 if os.environ.get("OCI_LAYOUT_SLOW") else 50,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def survive(path: Path) -> None:
    """Verify; only our own errors may be raised, and only known codes reported."""
    try:
        report = report_of(path)
    except LayoutError as error:
        if error.exit_status not in (3, 5) or not str(error):
            raise
        return
    for finding in report.findings:
        assert finding.code in CODES
        str(finding)
    json.dumps(report.to_json())


def survive_bytes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        path.write_bytes(data)
        survive(path)


names = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["index.json", "oci-layout", "manifest.json", "blobs", "../x", "/x", "./x"]),
    st.text("./\0a\u202e", max_size=160),
)
headers = st.fixed_dictionaries(
    {
        "name": names,
        "linkname": names,
        "type": st.sampled_from([b"0", b"1", b"2", b"5", b"6", b"7", b"x", b"g", b"L", b"K", b"S"]),
        "size": st.one_of(st.integers(0, 2000), st.integers(0, 1 << 70)),
        "data": st.binary(max_size=600),
        "pax": st.dictionaries(
            st.sampled_from(["path", "linkpath", "size", "GNU.sparse.size", "x"]), names, max_size=2
        ),
    }
)


def member(spec: dict[str, Any]) -> bytes:
    """A member whose header and data need not fit each other."""
    info = tarfile.TarInfo(spec["name"].replace("\0", ""))
    info.linkname = spec["linkname"].replace("\0", "")
    info.type, info.size = spec["type"], spec["size"]
    info.pax_headers = {key: value.replace("\0", "") for key, value in spec["pax"].items()}
    data: bytes = spec["data"]
    if spec["pax"]:
        head = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogatepass")
    else:
        head = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogatepass")
    return head + data + bytes(-len(data) % 512)


@PROFILE
@given(before=st.lists(headers, max_size=3), after=st.lists(headers, max_size=3), end=st.booleans())
def test_any_tar_headers(
    before: list[dict[str, Any]], after: list[dict[str, Any]], end: bool
) -> None:
    files = layout_of(IMAGE.manifest(), IMAGE.config_bytes, *LAYERS)
    middle = tar_of(files.items())[:-1024]
    data = b"".join([*map(member, before), middle, *map(member, after)])
    survive_bytes(data + bytes(1024 if end else 0))


@PROFILE
@given(header=st.binary(min_size=512, max_size=512), at=st.integers(0, 6))
def test_any_header_with_a_checksum_that_holds(header: bytes, at: int) -> None:
    block = bytearray(header)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    whole = tar_of(layout_of(IMAGE.manifest(), IMAGE.config_bytes, *LAYERS).items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        path.write_bytes(whole)
        with tarfile.open(path) as tar:
            places = [each.offset for each in tar.getmembers()]
    place = places[at % len(places)]
    survive_bytes(whole[:place] + bytes(block) + whole[place + 512 :])


_KEYS = """schemaVersion mediaType config layers manifests digest size platform annotations data
    urls subject Config RepoTags Layers rootfs os diff_ids history architecture fsLayers
    imageLayoutVersion Size type"""
keys = st.sampled_from(_KEYS.split())
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=10),
        st.sampled_from(["application/vnd.oci.image.manifest.v1+json", IMAGE.config_digest, "2"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(keys, st.text(max_size=5)), inner, max_size=5),
    ),
    max_leaves=20,
)
DOCUMENTS = ["index.json", "oci-layout", "manifest.json", "repositories", "manifest", "config"]


@pytest.mark.parametrize("document", DOCUMENTS)
@PROFILE
@given(value=values)
def test_any_json(document: str, value: Any) -> None:
    raw = json.dumps(value).encode("utf-8", "surrogatepass")
    survive_document(document, raw)


@pytest.mark.parametrize("document", DOCUMENTS)
@PROFILE
@given(value=values, key=keys)
def test_any_value_of_a_field(document: str, value: Any, key: str) -> None:
    """The document as it should be, with one field replaced or added, at the top or in an entry."""
    entry = {"Config": "index.json", "RepoTags": ["a:1"], "Layers": ["index.json"]}
    base: Any = {
        "index.json": {"schemaVersion": 2, "manifests": [IMAGE.descriptor()]},
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "manifest.json": [entry],
        "repositories": {"a": {"1": "b"}},
        "manifest": IMAGE.manifest(),
        "config": IMAGE.config,
    }[document]
    base = json.loads(json.dumps(base))
    holder = base[0] if isinstance(base, list) else base
    inner = holder.get("manifests") or holder.get("layers") or [holder.get("rootfs")]
    for each in (holder, inner[0]):
        if isinstance(each, dict):
            each[key] = value
            survive_document(document, json.dumps(base).encode("utf-8", "surrogatepass"))


def survive_document(document: str, raw: bytes) -> None:
    files = layout_of(IMAGE.manifest(), IMAGE.config_bytes, *LAYERS)
    if document == "manifest":
        files = layout_of(raw, IMAGE.config_bytes, *LAYERS)
    elif document == "config":
        stated = {**IMAGE.manifest()["config"], "size": len(raw)}
        files = layout_of(go_json({**IMAGE.manifest(), "config": stated}), *LAYERS)
        files[f"blobs/sha256/{stated['digest'][7:]}"] = raw
    else:
        files[document] = raw
    with tempfile.TemporaryDirectory() as folder:
        survive(write_files(files, Path(folder) / "layout"))
        without = {name: data for name, data in files.items() if name != "oci-layout"}
        survive(write_files(without, Path(folder) / "other"))
    survive_bytes(tar_of(files.items()))


@pytest.mark.parametrize("family", FAMILIES)
@PROFILE
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 20_000), st.binary(max_size=8), st.integers(0, 600)), max_size=4
    )
)
def test_any_bytes(family: str, edits: list[tuple[int, bytes, int]]) -> None:
    """Some bytes are replaced by others, or by none."""
    with tempfile.TemporaryDirectory() as folder:
        source = build(family, Path(folder))
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        files = [path for path in files if path.is_file()]
        for at, new, gone in edits:
            path = files[at % len(files)]
            data = path.read_bytes()
            place = at % (len(data) + 1)
            path.write_bytes(data[:place] + new + data[place + gone :])
        survive(source)
