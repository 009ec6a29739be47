"""Every blob read once: size, digest, diff_id; and what lies there without being named."""

from __future__ import annotations

import time
from collections.abc import Iterable

import attrs

from oci_layout.blobs.known import Remembered
from oci_layout.blobs.pool import Pool
from oci_layout.blobs.recalling import learned, recalled
from oci_layout.blobs.run import Inside, examine
from oci_layout.blobs.task import Expected, Fact, Task, unpacking_memory
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Finding, Severity
from oci_layout.graph.nodes import Artifact, Image, Layer, Node, Opaque
from oci_layout.graph.walk import every
from oci_layout.mediatype import Compression
from oci_layout.source.opening import Source
from oci_layout.source.orphans import stated_digest
from oci_layout.source.restoring import RestoredMember
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.member import Member
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Looked:
    """What came of reading one blob."""

    fact: Fact
    findings: tuple[Finding, ...]
    seconds: float


class BlobList:
    """All blobs that documents refer to, each once, with everything that is stated of it."""

    def __init__(self) -> None:
        self._jobs: dict[str, Task] = {}
        self._expected: dict[str, dict[object, Expected]] = {}
        self._opaque: set[str] = set()

    @property
    def tasks(self) -> dict[str, Task]:
        """The blobs by name, each with all that is stated of it."""
        return {
            name: attrs.evolve(task, expected=tuple(self._expected[name].values()))
            for name, task in self._jobs.items()
        }

    def add_source(self, source: Source) -> None:
        """Take the blobs of a source: of its graph, and of its ``manifest.json``."""
        for root, node in every(source.roots):
            self.add_node(node, root.label)
        for saved in source.contents.docker:
            label = str(saved.names[0]) if saved.names else saved.image.config.digest.short
            self.add_node(saved.image, label)

    def add_node(self, node: Node, label: str) -> None:
        """Take the blobs of one node; its documents were checked when they were read."""
        if isinstance(node, Image):
            for number, layer in enumerate(node.layers):
                self._layer(layer, Where(image=label, layer=number))
        elif isinstance(node, Artifact):
            for descriptor, member in node.blobs:
                if member is not None:
                    self._add(
                        member,
                        Expected(
                            where=Where(image=label),
                            digest=descriptor.digest,
                            size=descriptor.stated_size,
                        ),
                        opaque=True,
                    )
        elif isinstance(node, Opaque):
            stated = node.descriptor
            expected = Expected(
                where=Where(image=label), digest=stated.digest, size=stated.stated_size
            )
            self._add(node.member, expected, opaque=True)

    def add_layers(self, members: Iterable[Member | None], label: str) -> None:
        """Take layers of which nothing is stated, where they are not taken already."""
        for number, member in enumerate(members):
            if member is not None and member.name not in self._jobs:
                where = Where(image=label, layer=number)
                self._add(member, Expected(where=where), opaque=False)

    def _layer(self, layer: Layer, where: Where) -> None:
        made = layer.substitute
        if layer.member is None and made is not None and isinstance(made.member, RestoredMember):
            layer = made
        if layer.member is None:
            return
        if layer.opaque:  # manifest.json does not know the type of what it lists
            self._opaque.add(layer.member.name)
        opaque = layer.member.name in self._opaque
        expected = Expected(
            where=where,
            digest=layer.digest,
            size=layer.size,
            diff_id=None if opaque else layer.diff_id,
        )
        self._add(layer.member, expected, opaque=opaque)

    def _add(self, member: Member, expected: Expected, *, opaque: bool) -> None:
        self._expected.setdefault(member.name, {}).setdefault(expected.stated, expected)
        task = self._jobs.get(member.name)
        if task is not None and (opaque or not task.opaque):
            return
        # New; or an artifact named what is a layer all the same.
        stored = Compression.NONE if opaque else sniff(member.head(SNIFF_BYTES))
        self._jobs[member.name] = Task(
            key=member.name,
            member=member,
            stored=stored,
            encoding=None,
            opaque=opaque,
            learn=False,
            memory=unpacking_memory(member, stored),
            algorithm=expected.digest.algorithm if expected.digest is not None else "sha256",
            expected=(expected,),
        )


def orphan_jobs(orphans: Iterable[tuple[str, Member]]) -> dict[str, Task]:
    """Jobs for blobs that no document names: their own names say what they must be.

    Args:
        orphans: names and bytes; of many links to one file the file is read once.
    """
    stated: dict[tuple[str, str], tuple[Member, list[Expected]]] = {}
    for name, member in orphans:
        digest = stated_digest(name)
        algorithm = digest.algorithm if digest is not None else "sha256"
        _, expected = stated.setdefault((member.name, algorithm), (member, []))
        expected.append(Expected(where=Where(member=name), digest=digest))
    tasks = {}
    for (name, algorithm), (member, expected) in stated.items():
        key = name if algorithm == "sha256" else f"{name} by {algorithm}"
        tasks[key] = Task(
            key=key,
            member=member,
            stored=Compression.NONE,
            encoding=None,
            opaque=True,
            learn=False,
            algorithm=algorithm,
            expected=tuple(expected),
        )
    return tasks


def look(
    tasks: Iterable[Task],
    *,
    inner: bool,
    pool: Pool,
    inside: Inside | None = None,
    remembered: Remembered | None = None,
) -> dict[str, Looked]:
    """Read blobs and check them.

    Args:
        tasks: what to read.
        inner: whether to unpack layers and recompute diff_ids.
        pool: does the work.
        inside: reads the tar of each layer; from several threads.
        remembered: knows layers of other sources, and takes in those of this one.
    """
    looked: dict[str, Looked] = {}

    def one(task: Task) -> Fact:
        began = time.monotonic()
        try:
            fact, found = examine(task, pool, inside)
        except DamagedError as error:
            if not isinstance(task.member, RestoredMember):
                raise
            fact, found = _not_made(task, error)
        looked[task.key] = Looked(
            fact=fact, findings=tuple(found), seconds=time.monotonic() - began
        )
        return fact

    ordered = {task.key: attrs.evolve(task, inner=inner) for task in tasks}
    if remembered is not None:
        ordered = recalled(ordered, remembered)
    pool.do_all(list(ordered.values()), one)
    if remembered is not None:
        sound = {key: each.fact for key, each in looked.items() if not each.findings}
        learned(ordered, sound, remembered)
    return {key: looked[key] for key in ordered}


def _not_made(task: Task, error: DamagedError) -> tuple[Fact, list[Finding]]:
    """What is said of a layer that its delta does not make: no byte of it counts."""
    none = Digest.of(b"")
    fact = Fact(digest=none, size=0, diff_id=None, stored_digest=none, stored_size=0)
    return fact, [attrs.evolve(Finding.of(error), where=task.expected[0].where)]


def orphan_finding(name: str) -> Finding:
    """What is said of a blob that no document names."""
    return Finding(
        code="orphan",
        severity=Severity.NOTE,
        message="no document refers to this blob",
        where=Where(member=name),
    )
