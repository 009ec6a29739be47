"""Manifests that images had before they were converted: kept as referrers of what they become.

What keeps them is no task and no root: their bytes are in memory, and whether an image needs one is
known when its new manifest is. ``graph/originals.py`` says what one looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from oci_layout import limits, mediatype
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError, TargetError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.originals import (
    BadOriginalError,
    OriginalReader,
    indexes_above,
    is_original,
    leading_to,
)
from oci_layout.graph.referrers import spellings
from oci_layout.graph.walk import every, every_image, images
from oci_layout.mediatype import Family
from oci_layout.model import gojson
from oci_layout.model.jsonedit import Edits
from oci_layout.model.layout import ORIGINAL_ARTIFACT
from oci_layout.model.manifest import read_links
from oci_layout.plan.assemble import Documents
from oci_layout.plan.carrying import carried
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.options import Options
from oci_layout.plan.report import ImageReport
from oci_layout.plan.request import Format
from oci_layout.where import Where

_EMPTY = b"{}"  # the config of an artifact (image-spec manifest.md)


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """An original that a source has already.

    Args:
        raw: the artifact's manifest.
        digest: of that.
        subject: of that, as it is in the source.
        original: digest of the manifest that it holds.
        documents: bytes of what it lists.
    """

    raw: bytes
    digest: Digest
    subject: Digest
    original: Digest
    documents: Mapping[Digest, bytes]


@attrs.frozen(kw_only=True, eq=False)
class Fresh:
    """What an image is now, and will not be any more.

    Args:
        media_type: of its manifest.
        raw: that manifest.
        indexes: that lead to it, nearest first.
    """

    media_type: str
    raw: bytes
    indexes: Mapping[Digest, ImageIndex]


@attrs.frozen(kw_only=True, eq=False)
class Originals:
    """The originals of a plan.

    Args:
        found: those that are there; the first one stays, however often an image is converted.
        fresh: what would become one, by the digest of the manifest, where they are to be kept.
        kept: whether they are to be.
        there: digests of all that the plan's roots hold.
        apart: of indexes that do not go out, and of what stands for each.
        carried: what refers to an image and goes to Docker, too: among the blobs, as originals do.
    """

    found: Sequence[Found] = ()
    fresh: Mapping[Digest, Fresh] = attrs.field(factory=dict)
    kept: bool = False
    there: frozenset[Digest] = frozenset()
    apart: Mapping[Digest, Digest] = attrs.field(factory=dict)
    carried: frozenset[Node] = frozenset()

    @classmethod
    def of(
        cls, roots: tuple[Root, ...], sources: Sequence[Root], options: Options
    ) -> tuple[Originals, tuple[Root, ...]]:
        """The originals of what goes out, and the roots without them.

        Args:
            roots: what goes out.
            sources: all roots of all sources: what led to an image may not go out.
            options: what was asked for.

        Raises:
            DamagedError: one that is there does not hold.
        """
        found = tuple(_found(root for root in roots if _travels(root)))
        left = tuple(root for root in roots if not _travels(root))
        kept = options.request.keep_original
        named = {each.subject for each in found} | set(_subjects(left))
        there = frozenset(
            node.descriptor.digest for _, node in every(left) if node.descriptor is not None
        )
        if not kept:
            return cls(found=found, there=there), left
        parents = leading_to(sources)
        docker = options.target is Family.DOCKER
        left, beside = carried(left, sources) if docker else (left, frozenset())
        return cls(
            found=found,
            fresh=_fresh(left, parents, named),
            kept=True,
            there=there,
            apart=_apart(left, parents, there),
            carried=beside,
        ), left

    @property
    def holding(self) -> frozenset[str]:
        """Digests, in each spelling, of which a signature holds by what is kept."""
        first = (digest for each in self.found for digest in each.documents)
        now = (one for key, each in self.fresh.items() for one in (key, *each.indexes))
        return frozenset().union(*(spellings(digest) for digest in (*first, *now)))

    def add(self, documents: Documents, options: Options, findings: Findings) -> None:
        """Add to the documents of a result what is kept of before.

        Args:
            documents: of the result, complete but for this.
            options: what was asked for.
            findings: told of images that go without.
        """
        holds = options.request.to is not Format.DIR and not options.request.legacy
        adding = _Adding(documents, findings, holds=holds, algorithm=options.request.digest)
        reports = {each.manifest_before: each for each in documents.images}
        for each in self.found:
            report = reports.get(each.subject)
            if report is not None:
                adding.found(each, report)
            elif each.subject in self.there:  # not there itself, and all the same not left out
                adding.put(each.raw, each.documents, each.subject)
        if not self.kept:
            return
        seen = set()
        for report in documents.images:
            fresh = self.fresh.get(report.manifest_before) if report.manifest_before else None
            if report.manifest_before is None:
                adding.none(report, "the source has no manifest of it that could have been signed")
            elif fresh is not None and report.manifest_before not in seen:
                seen.add(report.manifest_before)
                adding.fresh(fresh, report.manifest_before, report)


def _travels(root: Root) -> bool:
    """Whether a root is an original as we write it; any other artifact goes as artifacts go."""
    node = root.node
    if root.listed or not isinstance(node, Artifact) or not is_original(node):
        return False
    config = node.manifest.config
    return config is not None and config.digest == Digest.of(_EMPTY)


def _subjects(roots: Iterable[Root]) -> Iterator[Digest]:
    """Digests of what has an original among some roots."""
    for _, node in every(roots):
        if isinstance(node, Artifact) and is_original(node) and node.manifest.subject is not None:
            yield node.manifest.subject.digest


def _found(roots: Iterable[Root]) -> Iterator[Found]:
    reader = OriginalReader()
    seen: set[Digest] = set()
    for root in roots:
        artifact = root.node
        if not isinstance(artifact, Artifact) or artifact.descriptor.digest in seen:
            continue
        digest, subject = artifact.descriptor.digest, artifact.manifest.subject
        seen.add(digest)
        try:
            original = reader.read(artifact)
        except BadOriginalError as error:
            raise DamagedError(
                what=f"the original manifest in it: {error}",
                where=Where(member=digest.blob_path),
                hint="--attestations drop leaves it out",
                code="original-mismatch",
            ) from error
        if subject is not None:
            yield Found(
                raw=artifact.manifest.raw,
                digest=digest,
                subject=subject.digest,
                original=original.digest,
                documents=original.documents,
            )


_Parents = Mapping[Digest, Mapping[Digest, ImageIndex]]


def _apart(
    roots: tuple[Root, ...], parents: _Parents, there: frozenset[Digest]
) -> dict[Digest, Digest]:
    """The indexes of which one image is left, which stands for them; or an index of several."""
    found: dict[Digest, Digest] = {}
    for root in roots:
        node = root.node
        alone = isinstance(node, Image) or (isinstance(node, ImageIndex) and node.joined)
        if not alone or node.descriptor is None:
            continue
        for image in images(node):
            below = image.descriptor.digest if image.descriptor is not None else None
            for above in indexes_above(below, parents) if below is not None else ():
                if above not in there:
                    found.setdefault(above, node.descriptor.digest)
    return found


def _fresh(roots: tuple[Root, ...], parents: _Parents, named: set[Digest]) -> dict[Digest, Fresh]:
    """What each image is, but those that have an original already."""
    found: dict[Digest, Fresh] = {}
    size = 0
    known: set[Digest] = set()
    for _, image in every_image(roots):
        digest = image.descriptor.digest if image.descriptor is not None else None
        if digest is None or digest in named or digest in found or not _may(image):
            continue
        above = indexes_above(digest, parents)
        raw = image.manifest.raw if image.manifest is not None else b""
        documents = {digest: raw, **{key: index.index.raw for key, index in above.items()}}
        size += sum(len(data) for key, data in documents.items() if key not in known)
        known |= documents.keys()
        if size > limits.ORIGINALS_BYTES:
            raise TargetError(
                what=f"--keep-original: more than {limits.ORIGINALS_BYTES >> 20} MiB of manifests "
                "and indexes would be kept",
                hint="--image takes fewer images",
            )
        media_type = image.manifest.media_type if image.manifest is not None else ""
        found[digest] = Fresh(media_type=media_type, raw=raw, indexes=above)
    return found


def _may(image: Image) -> bool:
    """Whether the manifest of an image says by its config which layers are meant."""
    if image.manifest is None or image.made_from or image.config.diff_ids is None:
        return False
    return len(image.manifest.layers) == len(image.config.diff_ids)


class _Adding:
    """Adds originals to documents.

    Args:
        documents: of the result.
        findings: told of images that go without.
        holds: whether the form of the result has a place for referrers.
        algorithm: of new digests; None for that of the image.
    """

    def __init__(
        self, documents: Documents, findings: Findings, *, holds: bool, algorithm: str | None
    ) -> None:
        self._documents, self._findings = documents, findings
        self._holds, self._algorithm = holds, algorithm
        self._put: set[Digest] = set()

    def found(self, each: Found, report: ImageReport) -> None:
        """Let an original that is there follow its image."""
        if not self._fits(each.original, report) or report.manifest_after is None:
            return
        raw = each.raw
        if report.manifest_after != each.subject:
            edits = Edits(raw)
            for field, value in self._descriptor(report.manifest_after).items():
                edits.set(("subject", field), value)
            raw = edits.apply()
        self.put(raw, each.documents, report.manifest_after)
        self._tell(each.original, len(each.documents) - 1, report)

    def fresh(self, each: Fresh, digest: Digest, report: ImageReport) -> None:
        """Keep what an image was, if it is not what it was, or an index around it is gone."""
        after = report.manifest_after
        whole = self._documents.manifests >= each.indexes.keys()
        if after == digest and whole:
            return
        if not self._fits(digest, report) or after is None:
            return
        layers = [_entry(each.media_type, digest, each.raw)]
        documents = {digest: each.raw}
        for key, index in each.indexes.items():
            layers.append(_entry(index.index.media_type, key, index.index.raw))
            documents[key] = index.index.raw
        empty = Digest.of(_EMPTY)
        raw = gojson.encode_bytes(
            {
                "schemaVersion": 2,
                "mediaType": mediatype.OCI_MANIFEST,
                "artifactType": ORIGINAL_ARTIFACT,
                "config": _entry(mediatype.OCI_EMPTY, empty, _EMPTY),
                "layers": layers,
                "subject": self._descriptor(after),
            }
        )
        self.put(raw, documents, after)
        self._tell(digest, len(each.indexes), report)

    def none(self, report: ImageReport, why: str) -> None:
        """Say that an image goes without."""
        label = report.names[0] if report.names else str(report.image_id_after or "")
        self._findings.warning(
            "no-original", f"goes without its original manifest: {why}", Where(image=label)
        )

    def put(self, raw: bytes, documents: Mapping[Digest, bytes], subject: Digest) -> None:
        """Write an artifact beside the blobs; no entry of ``index.json`` leads to it."""
        if not self._holds:
            return
        digest = Digest.of(raw, self._algorithm or subject.algorithm)
        out = self._documents
        blobs = {Digest.of(_EMPTY): _EMPTY, **documents, digest: raw}
        for key, data in blobs.items():
            out.blobs.setdefault(key, data)
        out.manifests.add(digest)
        if digest not in self._put:
            self._put.add(digest)
            out.unlisted.append(digest)
            out.referrers.setdefault(subject, []).append(digest)

    def _fits(self, original: Digest, report: ImageReport) -> bool:
        """Whether an original still says of which config and layers an image is."""
        why = ""
        if report.image_id_before != report.image_id_after:
            why = "its config was changed, and with it the image ID"
        elif not self._holds:
            why = "the destination has no place for what refers to an image"
        if why:
            self.none(report, f"{original} stays behind, since {why}")
        return not why

    def _descriptor(self, digest: Digest) -> dict[str, Any]:
        """Of a manifest of the result."""
        raw = self._documents.blobs[digest]
        links = read_links(raw, Where(), Findings())
        return _entry(links.media_type if links is not None else "", digest, raw)

    def _tell(self, original: Digest, indexes: int, report: ImageReport) -> None:
        label = f"{report.names[0]}: " if report.names else ""
        after, around = report.manifest_after, plural(indexes, "index") + " that led to it"
        if original != after:
            beside = f", with {around}" if indexes else ""
            what = f"the manifest {original}, as a referrer of {after}{beside}"
        elif indexes:
            what = f"as referrers of the manifest {after}: {around}"
        else:
            what = f"the manifest that it had at first, {original}, which is its own here"
        self._documents.changes.append(
            Change(ChangeKind.KEPT, f"{label}{what}", digest=str(original))
        )


def _entry(media_type: str, digest: Digest, raw: bytes) -> dict[str, Any]:
    media_type = media_type or mediatype.OCI_MANIFEST
    return {"mediaType": media_type, "digest": str(digest), "size": len(raw)}
