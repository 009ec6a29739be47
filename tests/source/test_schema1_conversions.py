"""Schema 1 manifests and conversions of others: the same verdicts, digests and configs.

What differs on purpose is listed here, each with its source:

1. garden-shed, `pre1.9`: documents of Docker before 1.8.3 were decoded into Go's struct and encoded
   again before the conversion (moby, image/v1/imagev1.go: noFallbackMinVersion), which dropped the
   fields of the host's resources that the struct had lost by then. Here they stay.
2. Fields that are null or empty: Go's structs leave them out (`omitempty` of image-spec's
   specs-go/v1/config.go). Here they stay as the document has them, which means the same.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from oci_layout.finding import Findings
from oci_layout.model.schema1 import Schema1
from oci_layout.model.v1 import V1Layer, upgraded_config
from oci_layout.where import Where
from tests.builders import compress, layer_tar, sha256, write_files
from tests.builders.trees import config_of, manifest_of
from tests.command import report
from tests.converting import verified
from tests.shared import FIXTURES, needs_shared

pytestmark = needs_shared

LIBS = FIXTURES / "text/containers+container-libs/image/internal/image/fixtures"
SHED = FIXTURES / "text/cloudfoundry+garden-shed/vendor/github.com/docker/docker/image/fixtures"


@cache
def schema1_rows() -> list[Any]:
    index = FIXTURES / "index.json"
    if not index.is_file():
        return [pytest.param({}, id="absent")]
    found = json.loads(index.read_text())["schema1"]
    return [pytest.param(row, id=row["rel"].removeprefix("text/")) for row in found]


SIGNATURE_CODES = {
    "signature-valid",
    "signature-invalid",
    "bad-signature",
    "unsigned-content",
    "unsigned",
}
# Of each verdict in the index: what must be found of the signature, and what must not.
VERDICTS: dict[str, tuple[set[str], set[str]]] = {
    "VALID": ({"signature-valid"}, SIGNATURE_CODES - {"signature-valid"}),
    "unsigned": ({"unsigned"}, SIGNATURE_CODES - {"unsigned"}),
    "INVALID": (set(), {"signature-valid", "unsigned"}),
    "VALID-SIG/outer-differs": ({"signature-valid", "unsigned-content"}, {"signature-invalid"}),
}


@pytest.mark.parametrize("row", schema1_rows())
def test_signature(row: dict[str, Any]) -> None:
    path = FIXTURES / row["rel"]
    status, found = verified(path)
    codes = {code for _, code in found}
    there, absent = VERDICTS[row["signature"]]
    assert there <= codes
    assert not absent & codes
    if row["signature"] == "INVALID":
        assert ("error", "signature-invalid") in found or ("error", "wrong-type") in found
    assert (status == 1) is any(severity == "error" for severity, _ in found)


@pytest.mark.parametrize("row", schema1_rows())
def test_payload_digest(row: dict[str, Any]) -> None:
    """The digest of the manifest, whatever else is wrong with it."""
    raw = (FIXTURES / row["rel"]).read_bytes()
    assert sha256(raw) == f"sha256:{row['file_sha256']}"
    document = Schema1.from_bytes(raw, Where(), Findings())
    if row["payload_digest"] is None and row["signature"] == "INVALID":
        assert document is None or document.payload == raw
        return
    assert document is not None
    assert str(document.digest) == (row["payload_digest"] or sha256(raw))


def test_every_verdict_is_there() -> None:
    assert len(schema1_rows()) == 14
    assert {row.values[0]["signature"] for row in schema1_rows()} == VERDICTS.keys()


def full(value: Any) -> Any:
    """Without what is null or empty: the second difference above."""
    if isinstance(value, dict):
        inner = {key: full(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {}, False)}
    return [full(item) for item in value] if isinstance(value, list) else value


def with_layers_of_ours(name: str, dest: Path) -> tuple[Path, dict[str, str]]:
    """A manifest of the fixtures as `dir:`, its absent layers replaced by some that are there.

    Returns:
        The folder, and the fixtures' digest of each new layer.
    """
    value = json.loads((LIBS / name).read_bytes())
    value.pop("signatures")
    files: dict[str, bytes] = {}
    new: dict[str, str] = {}
    for number, layer in enumerate(value["fsLayers"]):
        data = compress(layer_tar({"n": str(number).encode()}), "gzip")
        files[sha256(data)[7:]] = data
        new[sha256(data)] = layer["blobSum"]
        layer["blobSum"] = sha256(data)
    files["manifest.json"] = json.dumps(value).encode()
    return write_files(files, dest), new


@pytest.mark.parametrize("target", ["schema2", "oci1"])
def test_conversion_of_schema1(target: str, tmp_path: Path) -> None:
    """containers/image made the same manifest and config; its config digest is a placeholder."""
    source, old = with_layers_of_ours("schema1.json", tmp_path / "in")
    if target == "oci1":
        report(source, "--to", "oci", "--config", "oci", "-o", tmp_path / "out")
    else:
        report(source, "--to", "docker", "-o", tmp_path / "out", "--compression", "keep")
    manifest = manifest_of(tmp_path / "out")
    wanted = json.loads((LIBS / f"schema1-to-{target}.json").read_bytes())
    assert manifest["mediaType"] == wanted["mediaType"]
    assert manifest["config"]["mediaType"] == wanted["config"]["mediaType"]
    assert [(layer["mediaType"], old[layer["digest"]]) for layer in manifest["layers"]] == [
        (layer["mediaType"], layer["digest"]) for layer in wanted["layers"]
    ]
    config = json.loads(config_of(tmp_path / "out"))
    expected = json.loads((LIBS / f"schema1-to-{target}-config.json").read_bytes())
    assert len(config["rootfs"].pop("diff_ids")) == len(expected["rootfs"].pop("diff_ids"))
    assert config["history"] == expected["history"]
    if target == "schema2":
        assert config == expected
    assert full(config) == full(expected)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("schema2-to-schema1-by-docker.json", "schema2-config.json"),
        ("oci1-to-schema1.json", "oci1-config.json"),
    ],
)
def test_back_from_schema1(name: str, origin: str) -> None:
    """What others made schema 1 of is again what it was, but for what schema 1 cannot hold."""
    document = Schema1.from_bytes((LIBS / name).read_bytes(), Where(), Findings())
    assert document is not None
    steps = [step for _, step in document.layers]
    config = json.loads(upgraded_config(steps[-1], steps))
    wanted = json.loads((LIBS / origin).read_bytes())
    assert full(config["config"]) == full(wanted["config"])
    assert full(config["history"]) == full(wanted["history"])
    for field in ("architecture", "os", "created", "docker_version"):
        assert config.get(field) == wanted.get(field)
    kept = sum(not step.throwaway for step in steps)
    assert kept == len(wanted["rootfs"]["diff_ids"])


# Fields of the host's resources that Docker 1.8.3 and later dropped from older documents.
DROPPED = {
    "Memory",
    "MemorySwap",
    "CpuShares",
    "Cpuset",
    "PortSpecs",
    "ExposedPorts",
    "NetworkDisabled",
    "MacAddress",
}


@pytest.mark.parametrize("version", ["pre1.9", "post1.9"])
def test_config_of_v1compatibility(version: str) -> None:
    """The config that Docker made, with the links of its first chain left out."""
    folder = SHED / version
    step = V1Layer.from_bytes((folder / "v1compatibility").read_bytes(), Where(), Findings())
    assert step is not None
    raw = upgraded_config(step, [step])
    config = json.loads(raw)
    expected_raw = (folder / "expected_config").read_bytes()
    expected = json.loads(expected_raw)
    for field, file in (("layer_id", "layer_id"), ("parent_id", "parent_id")):
        assert expected.pop(field) == (folder / file).read_text().strip()
    del config["rootfs"], config["history"]
    if version == "pre1.9":
        for part in ("config", "container_config"):
            gone = config[part].keys() - expected[part].keys()
            assert gone == DROPPED
            config[part] = {k: v for k, v in config[part].items() if k not in gone}
    assert config == expected
    assert list(config) == list(expected)
    assert list(config["config"]) == list(expected["config"])


def test_digest_of_v1compatibility() -> None:
    """Docker's digest of that config, out of our bytes with the two links put in."""
    folder = SHED / "post1.9"
    raw = (folder / "v1compatibility").read_bytes()
    step = V1Layer.from_bytes(raw, Where(), Findings())
    assert step is not None
    ours = json.loads(upgraded_config(step, [step]))
    del ours["rootfs"], ours["history"]
    ours |= {name: (folder / name).read_text().strip() for name in ("layer_id", "parent_id")}
    text = json.dumps(dict(sorted(ours.items())), separators=(",", ":")).encode()
    assert sha256(text) == (folder / "expected_computed_id").read_text().strip()
