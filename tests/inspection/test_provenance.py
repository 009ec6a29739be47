"""`inspect --provenance`: what attestations say, whichever tool wrote them, and never more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout import inspect
from oci_layout.signatures.provenance import bill_of, provenance_of, word_for
from tests.builders import name_annotations
from tests.builders.artifacts import make_artifact, make_index, write_layout
from tests.builders.signatures import (
    CYCLONEDX,
    SLSA,
    SLSA1,
    SPDX,
    VULN,
    attestations,
    bundled,
    envelope,
    manifest,
    private,
    statement,
    tagged,
)
from tests.command import succeed
from tests.inspection.shown import schema
from tests.signatures.case import BUILT, DIGEST, ENTRY, SUBJECT, layout, referrer

BASE = "pkg:docker/alpine@3.19?platform=linux%2Famd64"
BUILDKIT = {
    "builder": {"id": "https://ci.example.com/builder"},
    "buildType": "https://mobyproject.org/buildkit@v1",
    "invocation": {"configSource": {"entryPoint": "Dockerfile"}, "environment": {}},
    "materials": [{"uri": BASE, "digest": {"sha256": "ab" * 32}}],
    "metadata": {
        "buildStartedOn": "2024-01-02T03:04:05Z",
        "buildFinishedOn": "2024-01-02T03:05:05Z",
        "https://mobyproject.org/buildkit@v1#metadata": {
            "vcs": {"source": "https://git.example.com/app", "revision": "cafe01"}
        },
    },
}
BUILDKIT1 = {
    "buildDefinition": {
        "buildType": "https://github.com/moby/buildkit/x",
        "externalParameters": {"configSource": {"path": "Dockerfile"}},
        "resolvedDependencies": BUILDKIT["materials"],
    },
    "runDetails": {
        "builder": {"id": "https://ci.example.com/builder"},
        "metadata": {
            "startedOn": "2024-01-02T03:04:05Z",
            "finishedOn": "2024-01-02T03:05:05Z",
            "buildkit_metadata": {
                "vcs": {"source": "https://git.example.com/app", "revision": "cafe01"}
            },
        },
    },
}
GITHUB = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {"repository": "https://git.example.com/app", "ref": "refs/heads/main"}
        },
        "resolvedDependencies": [
            {"uri": "git+https://git.example.com/app@main", "digest": {"gitCommit": "cafe01"}}
        ],
    },
    "runDetails": {"builder": {"id": "https://ci.example.com/builder"}},
}
GENERATOR = {
    "builder": {"id": "https://ci.example.com/builder"},
    "buildType": "x",
    "invocation": {
        "configSource": {"uri": "https://git.example.com/app", "digest": {"sha1": "cafe01"}}
    },
}
SBOM = {
    "spdxVersion": "SPDX-2.3",
    "name": "app",
    "creationInfo": {"creators": ["Organization: x", "Tool: syft-1.0"]},
    "packages": [{"name": "a"}, {"name": "b"}],
}
PARTS = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {
        "tools": {"components": [{"name": "trivy"}]},
        "component": {"name": "app"},
    },
    "components": [{"name": "a"}],
}


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [(SLSA, BUILDKIT), (SLSA1, BUILDKIT1), (SLSA1, GITHUB), (SLSA, GENERATOR)],
    ids=["buildkit", "buildkit-v1", "github-v1", "generator-v0.2"],
)
def test_how_it_was_made(kind: str, predicate: dict[str, Any]) -> None:
    found = provenance_of(kind, predicate)
    assert found is not None
    assert found.builder == "https://ci.example.com/builder"
    assert found.source == "https://git.example.com/app"
    assert found.revision == "cafe01"
    if "alpine" in json.dumps(predicate):
        (base,) = found.materials
        assert (base.uri, base.digests, base.image) == (BASE, ("sha256:" + "ab" * 32,), True)
        assert found.started == "2024-01-02T03:04:05Z"
        assert found.finished == "2024-01-02T03:05:05Z"


@pytest.mark.parametrize(
    ("kind", "predicate", "expected"),
    [
        (SPDX, SBOM, ("SPDX-2.3", "app", 2, "syft-1.0")),
        (SPDX, {"Data": SBOM, "Timestamp": ""}, ("SPDX-2.3", "app", 2, "syft-1.0")),
        (
            SPDX,
            {"Data": "SPDXVersion: 2.3\nPackageName: a\nPackageName: b\n"},
            ("SPDX, tag-value", None, 2, None),
        ),
        (CYCLONEDX, PARTS, ("CycloneDX 1.5", "app", 1, "trivy")),
        (
            f"{CYCLONEDX}/v1.4",
            {"metadata": {"tools": [{"name": "old"}]}},
            ("CycloneDX", None, 0, "old"),
        ),
    ],
)
def test_what_is_in_it(kind: str, predicate: Any, expected: tuple[Any, ...]) -> None:
    found = bill_of(kind, predicate)
    assert found is not None
    assert (found.format, found.name, found.packages, found.tool) == expected


def test_words() -> None:
    assert [word_for(kind) for kind in (SLSA, SLSA1, SPDX, CYCLONEDX, VULN, "x")] == [
        "provenance",
        "provenance",
        "SBOM",
        "SBOM",
        "vulnerability report",
        "x",
    ]


NAMES = (
    *("builder", "id", "invocation", "configSource", "digest", "metadata", "materials", "uri"),
    *("packages", "components", "tools", "buildDefinition", "runDetails", "workflow", "component"),
    *("resolvedDependencies", "externalParameters", "creationInfo", "creators", "Data"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "builder",
                    "id",
                    "invocation",
                    "configSource",
                    "digest",
                    "metadata",
                    "materials",
                    "uri",
                    "packages",
                    "components",
                    "tools",
                    "buildDefinition",
                    "runDetails",
                    "resolvedDependencies",
                    "externalParameters",
                    "workflow",
                    "creationInfo",
                    "creators",
                    "component",
                    "Data",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([SLSA, SLSA1, SPDX, CYCLONEDX]))
def test_nothing_that_is_stated_stops_it(value: Any, kind: str) -> None:
    provenance_of(kind, value)
    bill_of(kind, value)


def test_materials_are_bounded() -> None:
    many = {**GENERATOR, "materials": [{"uri": f"x{number}"} for number in range(1_500)]}
    found = provenance_of(SLSA, many)
    assert found is not None
    assert (len(found.materials), found.materials_left_out) == (1_000, 500)


def buildkit(folder: Path) -> Path:
    blobs: list[tuple[bytes, str, dict[str, str]]] = [
        (statement(DIGEST, kind, predicate, version="v0.1"), "application/vnd.in-toto+json", {})
        for kind, predicate in ((SLSA, BUILDKIT), (SPDX, SBOM))
    ]
    built = manifest(blobs)
    about = {
        "vnd.docker.reference.digest": DIGEST,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    unknown = {"os": "unknown", "architecture": "unknown"}
    entries = [
        BUILT.entry(platform={"os": "linux", "architecture": "amd64"}),
        built.entry(annotations=about, platform=unknown),
    ]
    index = make_index(entries, BUILT, built)
    entry = index.entry(annotations=name_annotations("demo:1"))
    return write_layout(folder / "layout", [entry], index)


def test_buildkit(tmp_path: Path) -> None:
    report = inspect(str(buildkit(tmp_path)), provenance=True)
    value = json.loads(json.dumps(report.to_json()))
    schema().validate(value)
    made, bill = value["provenance"]
    assert made["subject"] == bill["subject"] == DIGEST
    assert made["platform"] == "linux/amd64"
    assert made["present"]
    assert not made["envelope"]
    assert made["provenance"]["revision"] == "cafe01"
    assert bill["sbom"]["packages"] == 2


def test_cosign(tmp_path: Path) -> None:
    key = private()
    old = attestations((envelope(statement(DIGEST, SLSA, BUILDKIT, version="v0.1"), key), SLSA))
    new = bundled(SUBJECT, key, raw=statement(DIGEST, CYCLONEDX, PARTS))
    make = layout((tagged(old, DIGEST, ".att"), old), referrer(new))
    found = inspect(str(make(tmp_path)), provenance=True).provenance
    assert found is not None
    assert [(each.kind, each.envelope, each.present) for each in found] == [
        ("provenance", True, True),
        ("SBOM", True, True),
    ]


def test_an_sbom_beside_an_image(tmp_path: Path) -> None:
    built = make_artifact(
        json.dumps(SBOM).encode(), layer_type="application/spdx+json", subject=SUBJECT
    )
    found = inspect(str(layout(referrer(built))(tmp_path)), provenance=True).provenance
    assert found is not None
    assert [each.sbom.packages if each.sbom else None for each in found] == [2]


def test_a_changed_statement_says_nothing(tmp_path: Path) -> None:
    folder = buildkit(tmp_path)
    for path in (folder / "blobs/sha256").iterdir():
        data = path.read_bytes()
        path.write_bytes(data.replace(b"ci.example.com", b"xy.example.com"))
    found = inspect(str(folder), provenance=True).provenance
    assert found is not None
    assert [each.kind for each in found] == ["SBOM"]


def test_people_see_it(tmp_path: Path) -> None:
    printed = succeed("inspect", buildkit(tmp_path), "--provenance").decode()
    for words in (
        "provenance of linux/amd64",
        "builder    https://ci.example.com/builder",
        "revision   cafe01",
        "base       pkg:docker/alpine@3.19",
        "packages   2",
        "layout verify --key checks who says it",
    ):
        assert words in printed
    assert "provenance" not in json.loads(succeed("inspect", buildkit(tmp_path / "b"), "--json"))
    none = write_layout(tmp_path / "none", [ENTRY], BUILT)
    assert "no attestation" in succeed("inspect", none, "--provenance").decode()
