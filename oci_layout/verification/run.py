"""Verification of one source, from opening to verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from oci_layout.blobs.known import Remembered
from oci_layout.blobs.pool import Pool
from oci_layout.digest import QuotedDigest
from oci_layout.finding import Finding, Findings, Severity
from oci_layout.graph.nodes import Artifact, Image, Layer, Node, Root
from oci_layout.graph.walk import every, every_image
from oci_layout.model import jws
from oci_layout.source import kinds
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import Source, open_source
from oci_layout.source.orphans import orphans_of
from oci_layout.source.spool import Watch
from oci_layout.streams.member import Member
from oci_layout.verification import sums
from oci_layout.verification.agreement import check_agreement
from oci_layout.verification.blobs import BlobList, Looked, look, orphan_finding, orphan_jobs
from oci_layout.verification.links import check_links
from oci_layout.verification.originals import Known, Originals, check_originals
from oci_layout.verification.report import ImageCheck, VerifyReport
from oci_layout.verification.thin import Marks
from oci_layout.where import Where

if TYPE_CHECKING:
    from oci_layout.verification.chains import Attestation, Chain
    from oci_layout.verification.signed import Asked

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@attrs.frozen(kw_only=True)
class Wanted:
    """What a verification is to do.

    Args:
        check: ``full``; ``digests``: stored bytes only; ``quick``: no blob is read.
        expect: digests of which each must be an image ID, manifest or index of the source.
        against: sums by file name that must hold; None for none.
        sums: takes the sums of all files; None when nobody asks.
        tmp: directory for spooling.
        trusted: keys of which one must have signed each schema 1 manifest.
        signatures: of images, that are to be checked; None for none.
    """

    check: str = "full"
    expect: tuple[QuotedDigest, ...] = ()
    against: dict[str, str] | None = None
    sums: Callable[[dict[str, str]], None] | None = None
    tmp: str | None = None
    trusted: tuple[jws.PublicKey, ...] = ()
    signatures: Asked | None = None


def verify_source(
    path: str,
    wanted: Wanted,
    pool: Pool,
    *,
    start: Callable[[int], None] | None = None,
    watch: Watch | None = None,
    bases: Sequence[Holdings] = (),
    host: str | None = None,
    namespace: str | None = None,
    remembered: Remembered | None = None,
) -> VerifyReport:
    """Check everything of a source.

    Args:
        path: the source; ``-`` for standard input.
        wanted: what to check.
        pool: does the work on blobs.
        start: told of all bytes to read.
        watch: told how far spooling is, if there is any.
        bases: what other sources hold, of which what is taken is checked, too.
        host: put before names of a registry's storage.
        namespace: of containerd, whose images are meant.
        remembered: knows layers of other sources, and takes in those of this one.

    Raises:
        NotAnImageError: it is not an image of any kind.
    """
    began = time.monotonic()
    findings = Findings()
    with open_source(
        path,
        findings=findings,
        tmp=wanted.tmp,
        trusted=wanted.trusted,
        lone=True,
        limit=pool.growth.limit,
        memory=pool.growth.memory,
        watch=watch,
        bases=bases,
        host=host,
        namespace=namespace,
    ) as source:
        check_agreement(source, findings)
        check_links(source, findings)
        originals = check_originals(source.roots, findings)
        blobs = BlobList()
        blobs.add_source(source)
        documents = _documents(source)
        named = blobs.tasks
        lost = list(orphans_of(source))
        for name, _ in lost:
            findings.add(orphan_finding(name))
        stray = orphan_jobs(lost)
        looked: dict[str, Looked] = {}
        if wanted.check != "quick":
            tasks = [*named.values(), *stray.values()]
            if start is not None:
                start(sum(task.member.size for task in tasks))
            looked = look(tasks, inner=wanted.check == "full", pool=pool, remembered=remembered)
            for result in looked.values():
                for finding in result.findings:
                    findings.add(finding)
        _expected(source, wanted.expect, findings)
        if wanted.sums is not None or wanted.against is not None:
            values = sums.sums(source, looked)
            if wanted.sums is not None:
                wanted.sums(values)
            if wanted.against is not None:
                sums.compare(wanted.against, values, findings)
        bad = {each.where.member for each in findings.found if each.severity is Severity.ERROR}
        marks = Marks.of(source)
        chains, attestations = _signatures(source, wanted, originals, looked, bad, findings)
        found = tuple(
            sorted(_distinct(findings.found), key=lambda finding: _RANK[finding.severity])
        )
        return VerifyReport(
            source=source.label,
            source_kind=source.description,
            check=wanted.check,
            images=tuple(
                attrs.evolve(
                    _image(image, root, looked, bad, source, marks),
                    originals=tuple(each.digest for each in originals.of(image)),
                )
                for root, image in every_image(source.roots)
            ),
            findings=found,
            left_out=findings.left_out,
            chains=chains,
            attestations=attestations,
            blobs=len(looked) + len(documents),
            bytes=sum(result.fact.stored_size for result in looked.values())
            + sum(documents.values()),
            seconds=round(time.monotonic() - began, 3),
        )


def _distinct(findings: list[Finding]) -> list[Finding]:
    """Findings without those made twice, as of a config that two images share."""
    return list(dict.fromkeys(findings))


def _documents(source: Source) -> dict[str, int]:
    """Names and sizes of the documents that were read on opening."""
    result = {}
    for _, node in every(source.roots):
        if isinstance(node, Image):
            result[node.config_member.name] = node.config_member.size
        document = _document(node, source)
        if document is not None:
            result[document.name] = document.size
    for saved in source.contents.docker:
        result[saved.image.config_member.name] = saved.image.config_member.size
    return result


def _document(node: Node, source: Source) -> Member | None:
    """Where a manifest or index lies, as that kind of source calls it."""
    if node.descriptor is None or source.contents.blobs is None:
        return None
    return source.contents.blobs.find(node.descriptor.digest)


def _expected(source: Source, wanted: tuple[QuotedDigest, ...], findings: Findings) -> None:
    there = set()
    for _, node in every(source.roots):
        if isinstance(node, Image):
            there.add(node.config.digest)
        if node.descriptor is not None:
            there.add(node.descriptor.digest)
    for quoted in wanted:
        if not any(quoted.means(digest) for digest in there):
            findings.error(
                "expected-absent",
                f"{quoted} is no image ID, manifest or index of this source",
                Where(),
            )


def _signatures(
    source: Source,
    wanted: Wanted,
    originals: Originals,
    looked: dict[str, Looked],
    bad: set[str],
    findings: Findings,
) -> tuple[tuple[Chain, ...] | None, tuple[Attestation, ...]]:
    """What signs each image, if anybody asks; what is known of all bytes is the last link."""
    if wanted.signatures is None:
        return None, ()
    from oci_layout.verification import signed  # noqa: PLC0415  an optional extra

    def state_of(node: Node) -> str:
        names = _blobs_of(node)
        document = {node.config_member.name} if isinstance(node, Image) else set()
        wrong = {name for name in names & looked.keys() if _errors(looked[name])}
        if wrong or (names | document) & bad:
            return "damaged"
        # A layer that lies elsewhere, or is there as other bytes, is not what was signed.
        away = isinstance(node, Image) and any(layer.member is None for layer in node.layers)
        return "holds" if not away and names <= looked.keys() else "not read"

    def held(layer: Layer) -> bool:
        member = layer.there.member if layer.there is not None else None
        found = looked.get(member.name) if member is not None else None
        if found is None or layer.diff_id is None or _errors(found):
            return False
        return layer.diff_id in (found.fact.diff_id, found.fact.stored_digest)

    known = Known(state_of=state_of, held=held, originals=originals)
    return signed.check_signatures(source, wanted.signatures, known, findings)


def _errors(looked: Looked) -> bool:
    return any(finding.severity is Severity.ERROR for finding in looked.findings)


def _blobs_of(node: Node) -> set[str]:
    """Names of the blobs that a node itself leads to and that are read, not parsed."""
    if isinstance(node, Image):
        return {layer.member.name for layer in node.layers if layer.member is not None}
    if isinstance(node, Artifact):
        return {member.name for _, member in node.blobs if member is not None}
    return set()


def _image(
    image: Image, root: Root, looked: dict[str, Looked], bad: set[str], source: Source, marks: Marks
) -> ImageCheck:
    members = {layer.member.name: layer.member.size for layer in image.layers if layer.member}
    documents = {image.config_member.name: image.config_member.size}
    document = _document(image, source)
    if document is not None:
        documents[document.name] = document.size
    alone = source.kind is kinds.LONE
    read = {name: size for name, size in members.items() if name in looked}
    good = not (members.keys() | documents.keys()) & bad
    sound = (alone or not image.missing) and good
    return ImageCheck(
        names=tuple(str(name) for name in root.names),
        platform=image.platform,
        manifest=image.descriptor.digest if image.descriptor is not None else None,
        image_id=image.config.digest,
        blobs=len(read) + len(documents),
        bytes=sum(read.values()) + sum(documents.values()),
        seconds=sum(looked[name].seconds for name in read),
        sound=sound,
        incomplete=not sound and good and marks.lacks_on_purpose(image),
    )
