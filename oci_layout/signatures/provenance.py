"""What attestations say of how an image was made and what is in it.

SLSA provenance (slsa.dev/spec/v0.2/provenance and /v1.0/provenance) with BuildKit's own fields
(moby/buildkit docs/attestations/slsa-definitions.md), SPDX 2.3 (clause 6) and CycloneDX 1.x.
All of it is what somebody says: whether it is signed is another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from oci_layout.signatures.statement import SHORT_TYPES, is_of

_TEXT = 500  # characters that are kept of one text
_LISTED = 1_000  # materials that are kept
_IMAGE = re.compile(r"pkg:(docker|oci)/")
_BUILDKIT = "https://mobyproject.org/buildkit@v1#metadata"


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Material:
    """Something that went into a build.

    Args:
        uri: what it is called.
        digests: as ``algorithm:hex``.
        image: whether it is an image: a base, or one that files were copied from.
    """

    uri: str
    digests: tuple[str, ...]
    image: bool


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Provenance:
    """How an image was made.

    Args:
        builder: who made it.
        build_type: by which kind of build.
        source: repository that it was made of.
        revision: of that.
        started: when, as it is stated.
        finished: likewise.
        materials: what went into it, bases among it.
        materials_left_out: how many more there are.
    """

    builder: str | None
    build_type: str | None
    source: str | None
    revision: str | None
    started: str | None
    finished: str | None
    materials: tuple[Material, ...]
    materials_left_out: int


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Bill:
    """What is in an image, as an SBOM counts it.

    Args:
        format: with its version.
        name: that it gives itself.
        packages: how many it lists; None where that cannot be counted.
        tool: that made it.
    """

    format: str
    name: str | None
    packages: int | None
    tool: str | None


def provenance_of(predicate_type: str, predicate: Any) -> Provenance | None:
    """How an image was made; None where an attestation says something else."""
    if not is_of(predicate_type, "slsaprovenance") or not isinstance(predicate, dict):
        return None
    if is_of(predicate_type, "slsaprovenance1"):
        return _version_1(predicate)
    return _version_0(predicate)


def _version_0(value: Mapping[str, Any]) -> Provenance:
    source = _object(value, "invocation", "configSource")
    metadata = _object(value, "metadata")
    vcs = _object(metadata, _BUILDKIT, "vcs")
    materials = _materials(value.get("materials"))
    git = _git(materials[0])
    return Provenance(
        builder=_text(_object(value, "builder").get("id")),
        build_type=_text(value.get("buildType")),
        source=_text(vcs.get("source")) or _text(source.get("uri")) or git[0],
        revision=_text(vcs.get("revision")) or _revision(source.get("digest")) or git[1],
        started=_text(metadata.get("buildStartedOn")),
        finished=_text(metadata.get("buildFinishedOn")),
        materials=materials[0],
        materials_left_out=materials[1],
    )


def _version_1(value: Mapping[str, Any]) -> Provenance:
    definition, run = _object(value, "buildDefinition"), _object(value, "runDetails")
    outer = _object(definition, "externalParameters")
    metadata = _object(run, "metadata")
    vcs = _object(metadata, "buildkit_metadata", "vcs")
    source = _object(outer, "configSource")
    workflow = _object(outer, "workflow")
    materials = _materials(definition.get("resolvedDependencies"))
    git = _git(materials[0])
    return Provenance(
        builder=_text(_object(run, "builder").get("id")),
        build_type=_text(definition.get("buildType")),
        source=_text(vcs.get("source"))
        or _text(workflow.get("repository"))
        or _text(source.get("uri"))
        or git[0],
        revision=_text(vcs.get("revision")) or _revision(source.get("digest")) or git[1],
        started=_text(metadata.get("startedOn")),
        finished=_text(metadata.get("finishedOn")),
        materials=materials[0],
        materials_left_out=materials[1],
    )


def bill_of(predicate_type: str, predicate: Any) -> Bill | None:
    """What is in an image; None where an attestation says something else."""
    if isinstance(predicate, dict) and predicate.keys() <= {"Data", "Timestamp"}:
        predicate = predicate.get("Data")  # cosign ATTESTATION_SPEC.md, for texts
    if is_of(predicate_type, "spdx"):
        return _spdx(predicate)
    return _cyclonedx(predicate) if is_of(predicate_type, "cyclonedx") else None


def _spdx(value: Any) -> Bill | None:
    if isinstance(value, str):  # tag and value
        return Bill(
            format="SPDX, tag-value",
            name=None,
            packages=len(re.findall(r"^PackageName:", value, re.MULTILINE)),
            tool=None,
        )
    if not isinstance(value, dict):
        return None
    packages = value.get("packages")
    tools = _object(value, "creationInfo").get("creators")
    named = [text for text in tools if isinstance(text, str)] if isinstance(tools, list) else []
    tool = next((text for text in named if text.startswith("Tool:")), None)
    return Bill(
        format=_text(value.get("spdxVersion")) or "SPDX",
        name=_text(value.get("name")),
        packages=len(packages) if isinstance(packages, list) else None,
        tool=_text(tool.removeprefix("Tool:").strip()) if tool else None,
    )


def _cyclonedx(value: Any) -> Bill | None:
    if not isinstance(value, dict):
        return None
    version = _text(value.get("specVersion"))
    components = value.get("components")
    metadata = _object(value, "metadata")
    tools = metadata.get("tools")
    inner = tools.get("components") if isinstance(tools, dict) else tools
    first = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else {}
    return Bill(
        format=f"CycloneDX {version}" if version else "CycloneDX",
        name=_text(_object(metadata, "component").get("name")),
        # Without components it lists none (CycloneDX 1.x, "components" is optional).
        packages=len(components) if isinstance(components, list) else 0,
        tool=_text(first.get("name")),
    )


def word_for(predicate_type: str) -> str:
    """What an attestation of a type is, in a word; the type itself where there is none."""
    words = {
        "slsaprovenance": "provenance",
        "spdx": "SBOM",
        "cyclonedx": "SBOM",
        "vuln": "vulnerability report",
        "openvex": "VEX document",
    }
    found = (words.get(short) for short in SHORT_TYPES if is_of(predicate_type, short))
    return next((word for word in found if word), predicate_type[:_TEXT])


def _materials(value: Any) -> tuple[tuple[Material, ...], int]:
    listed = value if isinstance(value, list) else []
    found = [
        Material(
            uri=uri,
            digests=tuple(_digests(each.get("digest"))),
            image=_IMAGE.match(uri) is not None,
        )
        for each in listed
        if isinstance(each, dict) and (uri := _text(each.get("uri"))) is not None
    ]
    return tuple(found[:_LISTED]), max(0, len(found) - _LISTED)


def _digests(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for algorithm, text in value.items():
            if isinstance(text, str):
                yield f"{algorithm}:{text}"[:_TEXT]


def _revision(digest: Any) -> str | None:
    if not isinstance(digest, dict):
        return None
    return _text(digest.get("gitCommit")) or _text(digest.get("sha1"))


def _git(materials: Iterable[Material]) -> tuple[str | None, str | None]:
    """The first repository among what went into a build, and its revision."""
    for each in materials:
        for digest in each.digests:
            algorithm, _, text = digest.partition(":")
            if algorithm in ("gitCommit", "sha1"):
                return each.uri, text
    return None, None


def _object(value: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """An object in objects; an empty one where one of them is missing."""
    for name in names:
        inner = value.get(name)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def _text(value: Any) -> str | None:
    return value[:_TEXT] if isinstance(value, str) and value else None
