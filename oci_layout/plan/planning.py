"""A plan: the selection, a task for each blob, and a way to the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from oci_layout.blobs.task import Fact, Task
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import SelectionError, TargetError
from oci_layout.finding import Findings
from oci_layout.graph.completeness import complete
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.selection import select
from oci_layout.graph.walk import every, every_image
from oci_layout.mediatype import Compression, Family, Kind, LayerType, document_kind
from oci_layout.plan.alike import Alike
from oci_layout.plan.assemble import Assembler, Documents
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.convert import new_config
from oci_layout.plan.deltas import Delta, listed
from oci_layout.plan.entries import artifact_report, artifacts_of, kind_of
from oci_layout.plan.joining import joined
from oci_layout.plan.merging import merged, own_key
from oci_layout.plan.options import Options
from oci_layout.plan.originals import Originals
from oci_layout.plan.packing import Packing
from oci_layout.plan.registry import key_of
from oci_layout.plan.rename import renamed, require_distinct
from oci_layout.plan.report import ArtifactReport, ImageReport
from oci_layout.plan.request import Format
from oci_layout.plan.thin import Thin, elsewhere
from oci_layout.plan.uses import Uses, uses_of
from oci_layout.source.opening import Source
from oci_layout.source.restoring import is_delta
from oci_layout.where import Where

_CARRIED_NOT = {"schemaVersion", "mediaType", "manifests"}


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be done.

    Args:
        options: what was asked for.
        roots: what was selected.
        tasks: one for each blob that is not a document, by key.
        uses: the task of each blob of a node, in order; None for one that is not there.
        thin: what is left out, since whoever reads the result has it.
        extra: fields of the source's ``index.json`` that are carried over.
        lost: what sources say that no target holds.
        findings: told of all that somebody should know.
        deltas: layers that go out as deltas.
        originals: manifests of before that are kept.
    """

    options: Options
    roots: tuple[Root, ...]
    tasks: Mapping[str, Task]
    uses: Mapping[Node, Uses]
    thin: Thin
    extra: Mapping[str, Any]
    lost: tuple[Change, ...]
    findings: Findings
    deltas: tuple[Delta, ...] = ()
    originals: Originals = attrs.field(factory=Originals)

    @property
    def work(self) -> list[Task]:
        """What is to be read and written; the rest is taken at the source's word."""
        return [task for key, task in self.tasks.items() if key not in self.thin.withheld]

    @property
    def unknown(self) -> list[Task]:
        """Jobs whose result nobody knows before they are done."""
        return [task for task in self.tasks.values() if task.stated_result is None]

    @property
    def bytes_to_read(self) -> int:
        """Stored bytes of all blobs that are to be read."""
        return sum(task.member.size for task in self.work)

    def documents(self, facts: Mapping[str, Fact]) -> Documents:
        """The documents of the result.

        Args:
            facts: what each task came to; at least those of ``unknown``.
        """
        assembler = Assembler(
            self.options,
            self._packing(facts),
            self.findings,
            apart=self.originals.apart,
            carried=self.originals.carried,
            holding=self.originals.holding,
        )
        documents = assembler.run(self.roots, self.extra)
        documents.changes.extend(self.lost)
        self.originals.add(documents, self.options, self.findings)
        listed(documents, self.deltas)
        if self.options.request.preserve_digests:
            require_preserved(documents, self.options.target)
        return documents

    def _packing(self, facts: Mapping[str, Fact]) -> Packing:
        return Packing(
            tasks=self.tasks,
            uses=self.uses,
            facts=facts,
            repair=self.options.request.repair,
            thin=self.thin,
            deltas={delta.key: delta.report for delta in self.deltas},
        )

    def preview(self) -> list[ImageReport]:
        """Reports of the images before any work, with what is not known yet left open."""
        packing = self._packing({})
        return [self._preview(packing, root, image) for root, image in every_image(self.roots)]

    def preview_artifacts(self) -> list[ArtifactReport]:
        """Reports of what is no image and will go out, before any work."""
        if self.options.target is Family.DOCKER:
            return []
        return [
            artifact_report(root, node, None) for root in self.roots for node in artifacts_of(root)
        ]

    def _preview(self, packing: Packing, root: Root, image: Image) -> ImageReport:
        raw = image.raw_config()
        mode, repair = self.options.request.config, self.options.request.repair
        predicted = packing.predicted(image)
        editing = self.options.editing
        new, reasons, platform = new_config(
            image, predicted, raw, mode=mode, overrule=repair, editing=editing
        )
        keys = [key for key in self.uses[image] if key is not None]
        unknown = any(self.tasks[key].latest is not None for key in keys)
        unchanged = None if image.config.diff_ids is None or unknown else image.config.digest
        return ImageReport(
            names=tuple(str(name) for name in root.names),
            platform=platform,
            manifest_before=image.descriptor.digest if image.descriptor else None,
            manifest_after=None,
            image_id_before=None if image.made_from else image.config.digest,
            image_id_after=unchanged if new is None else None,
            config_changes=reasons,
            layers=packing.report(image),
            changes=(),
            pulled_as=image.pulled_as,
        )


def make_plan(
    sources: Sequence[Source], options: Options, findings: Findings, *, on_conflict: str = "error"
) -> Plan:
    """Decide what becomes of everything in some sources. Reads the first bytes of layers.

    Args:
        sources: one, or several to be merged.
        options: what was asked for.
        findings: told of all that somebody should know.
        on_conflict: who keeps a name that two sources give to two images.

    Raises:
        SelectionError: no such image or platform.
        DamagedError: nothing that is wanted is complete.
        TargetError: the target cannot hold what is wanted.
    """
    several = len(sources) > 1 or options.multi_platform
    # A delta is never carried over: the layer that it makes is.
    every = tuple(
        attrs.evolve(root, origin=source.label) if several else root
        for source in sources
        for root in source.roots
        if not is_delta(root.node)
    )
    chosen = _chosen(every, sources, options, findings)
    # Docker has no form for an absence: there it is left out.
    prune = options.request.sparse == "keep" and options.target is Family.DOCKER
    sparse = "prune" if prune else options.request.sparse
    by_choice = bool(options.request.images or options.request.platforms)
    if options.thinning is not None:
        chosen = elsewhere(chosen, options.thinning)
    editing = options.editing
    named = renamed(
        complete(chosen, sparse, findings, chosen=by_choice),
        options.renames,
        editing.holds_of if editing is not None else None,
        several=options.multi_platform,
        used=options.used,
    )
    roots = named.roots
    if options.reshape is not None:
        roots = options.reshape(roots)
    changes: tuple[Change, ...] = ()
    if options.multi_platform:
        joining = joined(roots, on_conflict, findings, same=Alike(options))
        roots, changes = joining.roots, joining.changes
    if several:
        key = key_of if options.request.to is Format.REGISTRY else own_key
        roots = merged(roots, on_conflict, findings, same=Alike(options), key=key)
    originals, roots = Originals.of(roots, every, options)
    require_distinct(roots)
    if options.target is Family.DOCKER:
        _require_images(roots)
    elif not roots:
        findings.warning("empty", "the source holds no image")
    tasks = options.tasks()
    uses = uses_of(roots, tasks, options.target, options.editing, originals.carried)
    asked_for = {task.key: task for task in tasks}
    thin = Thin.of(roots, uses, asked_for, options.thinning, findings)
    if options.request.preserve_digests:
        _refuse_reencoding(asked_for)
    _warn_zstd(asked_for, options, findings)
    if options.request.config == "keep":
        _warn_kept(roots, findings)
    # What is said of a whole index can be kept only where it stays one.
    index = sources[0].contents.index if len(sources) == 1 else None
    extra = (
        {key: value for key, value in index.fields.items() if key not in _CARRIED_NOT}
        if index is not None
        else {}
    )
    return Plan(
        options=options,
        roots=roots,
        tasks=asked_for,
        uses=uses,
        thin=thin,
        extra=thin.marked(extra),
        lost=(*named.dropped, *changes, *_lost(sources, roots)),
        findings=findings,
        originals=originals,
    )


def _lost(sources: Sequence[Source], roots: tuple[Root, ...]) -> Iterator[Change]:
    """What ``manifest.json`` says of images beyond what its readers need: ``Parent``, and unknown.

    ``Parent`` names the image that one was built on, by its ID (moby image/tarexport/save.go).
    """
    taken = {image.config.digest for _, image in every_image(roots)}
    for source in sources:
        for each in source.contents.docker:
            for field in each.beyond if each.image.config.digest in taken else ():
                what = f"manifest.json: {field} of {each.image.config.digest.short}"
                yield Change(ChangeKind.DROPPED, what, field=field)


def _chosen(
    every: tuple[Root, ...], sources: Sequence[Source], options: Options, findings: Findings
) -> tuple[Root, ...]:
    """What was asked for; damage and absence elsewhere are settled, as warnings.

    Raises:
        SelectionError: no such image or platform.
        DamagedError: what was chosen is damaged, or what is damaged cannot be chosen.
    """
    try:
        chosen = select(every, options.choice, findings)
    except SelectionError:
        for source in sources:
            source.settle(None)  # the damage may be why
        raise
    for source in sources:
        source.settle(chosen)
    return chosen


def require_preserved(documents: Documents, target: Family) -> None:
    """Refuse a result in which a manifest has another digest than in the source.

    Args:
        documents: of the result.
        target: the family of the result.

    Raises:
        TargetError: one has.
    """
    for root, made in documents.top:
        before = root.node.descriptor
        joined = isinstance(root.node, ImageIndex) and root.node.joined
        if before is not None and before.digest != made.digest and not joined:
            raise _changes(root.names, before.digest, made.digest, target)
    # Those in an index that is new, too.
    reports: list[ImageReport | ArtifactReport] = [*documents.images, *documents.artifacts]
    for each in reports:
        old, new = each.manifest_before, each.manifest_after
        if old is not None and new is not None and old != new:
            raise _changes(each.names, old, new, target)


def _changes(names: Sequence[object], before: Digest, after: Digest, target: Family) -> TargetError:
    name = f"{names[0]}: " if names else ""
    other = "; --to oci keeps media types of both" if target is Family.DOCKER else ""
    return TargetError(
        what=f"{name}the digest would change from {before} to {after}",
        hint=f"--preserve-digests allows no step that changes a manifest{other}",
    )


def _refuse_reencoding(tasks: Mapping[str, Task]) -> None:
    """Say so before the work where it is certain that digests will change."""
    for task in tasks.values():
        stated = any(expected.digest is not None for expected in task.expected)
        if task.encoding is not None and stated:
            raise TargetError(
                what=f"packing this layer with {task.encoding.compression} changes its digest",
                where=attrs.evolve(task.expected[0].where, member=task.member.name),
                hint="--preserve-digests allows no step that changes a manifest",
            )


def _warn_kept(roots: tuple[Root, ...], findings: Findings) -> None:
    for root, image in every_image(roots):
        if not image.made_from and (image.config.repairs or image.config.diff_ids is None):
            reasons = [repair.reason for repair in image.config.repairs] or ["no rootfs"]
            findings.warning(
                "invalid-config",
                f"kept as asked though invalid: {'; '.join(reasons[:4])}",
                Where(image=str(root.names[0]) if root.names else image.config.digest.short),
                "--config auto repairs it",
            )


def _require_images(roots: tuple[Root, ...]) -> None:
    if any(every_image(roots)):
        return
    if not roots:
        raise TargetError(what="the source holds no image, and Docker has no form for that")
    first = roots[0]
    strange = next((text for _, node in every(roots) for text in _strange_layers(node)), None)
    why = (
        f"there are artifacts alone: {first.label} is {kind_of(first.node)}"
        if strange is None
        else f"{first.label} has a layer of the type {strange[:100]!r}, which is none of an image"
    )
    raise TargetError(
        what=f"{why}, and Docker has no form for that",
        hint="--to oci copies it as it is",
    )


def _strange_layers(node: Node) -> list[str]:
    """Types of layers, beside the config of an image, that are none of an image's layers."""
    if not isinstance(node, Artifact) or node.manifest.config is None or node.is_attestation:
        return []
    if document_kind(node.manifest.config.media_type)[0] is not Kind.CONFIG:
        return []
    types = [layer.media_type for layer in node.manifest.layers]
    return [text for text in types if text and LayerType.parse(text) is None]


def _warn_zstd(tasks: Mapping[str, Task], options: Options, findings: Findings) -> None:
    kept = sum(task.result is Compression.ZSTD and not task.opaque for task in tasks.values())
    if kept and options.docker_view:
        findings.warning(
            "zstd-layers",
            f"{plural(kept, 'layer')} packed with zstd, which Docker before 23.0 cannot load",
            hint="--compression gzip",
        )
