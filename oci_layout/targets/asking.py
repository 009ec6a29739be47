"""Asking one target, and the report on all that were asked."""

from __future__ import annotations

import shlex
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import walk
from oci_layout.platform import Platform
from oci_layout.targets import docker
from oci_layout.targets.answer import Answer, Loaded, Prediction, Remark
from oci_layout.targets.facts import Facts
from oci_layout.targets.importing import IMPORTS
from oci_layout.targets.names import whole
from oci_layout.targets.predicting import predict
from oci_layout.targets.repairing import Repairs, curable
from oci_layout.targets.target import Target, at, dotted
from oci_layout.targets.traits import TRAITS


@attrs.frozen(kw_only=True)
class Asked:
    """The images that are asked about.

    Args:
        texts: as they were asked for; empty for all.
        digests: of their manifests, indexes and configs.
        names: in full.
    """

    texts: tuple[str, ...] = ()
    digests: frozenset[Digest] = frozenset()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: tuple[str, ...], roots: tuple[Root, ...]) -> Asked:
        """Those of some roots, which were selected by some texts."""
        if not texts:
            return cls()
        nodes = [node for root in roots for node in walk(root.node)]
        digests = {node.descriptor.digest for node in nodes if node.descriptor is not None}
        digests |= {node.config.digest for node in nodes if isinstance(node, Image)}
        names = {name.key for root in roots for name in root.names}
        return cls(texts=texts, digests=frozenset(digests), names=frozenset(names))

    def holds(self, loaded: Loaded) -> bool:
        """Whether an image is one of them."""
        if not self.texts or loaded.image_id in self.digests:
            return True
        return any(whole(name) in self.names for name in loaded.names)


def ask(
    facts: Facts, target: Target, platform: Platform, wanted: Asked, repairs: Repairs
) -> Answer:
    """What a target makes of a source.

    Args:
        facts: the source.
        target: who is asked.
        platform: of its host.
        wanted: the images that matter.
        repairs: finds the line that makes something of the source which the target loads.
    """
    reading, transport = predict(facts, target.through, platform)
    return _answer(facts, target, platform, wanted, reading, transport, repairs)


def _answer(
    facts: Facts,
    target: Target,
    platform: Platform,
    wanted: Asked,
    reading: Prediction,
    transport: str,
    repairs: Repairs,
) -> Answer:
    images = [each for each in reading.images if wanted.holds(each)]
    if not images and not reading.reasons:
        reading.fail("images-left", f"{', '.join(wanted.texts)} is not among what it loads")
    loads = not reading.reasons
    loader = target.through
    asks = target.engine.asks.format(source=shlex.quote(facts.named), transport=transport)
    against = reading.reasons or curable(loader, reading.losses)
    line: tuple[str, ...] = ()
    unrepaired = ""
    if against:
        if wanted.texts:  # a line takes these images alone, whatever the others suffer from
            alone, _ = predict(facts.narrowed(wanted.digests), loader, platform)
            against = alone.reasons or curable(loader, alone.losses)
        line, unrepaired = repairs.line(loader, against, loads=loads)
    return Answer(
        target=target,
        asks=asks if facts.archive or transport else "",
        basis=_basis(target),
        loads=loads,
        images=tuple(images) if loads else (),
        reasons=tuple(reading.reasons),
        losses=tuple(reading.losses) if loads else (),
        notes=tuple(reading.notes),
        repair=line,
        unrepaired=unrepaired if not loads else "",
    )


def _basis(target: Target) -> str:
    """How one knows what a version does; of one that is not known yet, that it is not."""
    source = _source(target)
    if target.taken_for is None:
        return source
    newest = f"{target.name} {dotted(target.taken_for)}"
    return f"not known yet: taken for {newest}, the newest that is known ({source})"


def _source(target: Target) -> str:
    """The source of the row that holds for its version."""
    if target.through is not target:
        how = "minikube pkg/minikube/cruntime (source read): loads as"
        return f"{how} {target.through} does; {_source(target.through)}"
    if target.name in TRAITS:
        return at(TRAITS[target.name], target.version).source
    if target.name == "docker" and not target.containerd_store:
        row = at(docker.V1, target.version)
        packings = at(docker.PACKINGS, target.version)
        return row.source if row.version >= packings.version else packings.source
    return at(IMPORTS[target.name], target.version).source


@attrs.frozen(kw_only=True)
class CheckReport:
    """What some targets make of a source.

    Args:
        source: what was looked at.
        source_kind: what that is.
        platform: of the targets' host.
        full: whether every blob was read.
        answers: one for each target, in the order they were asked.
        findings: what is odd or wrong in the source.
        left_out: findings of codes that were found too often to list each.
    """

    source: str
    source_kind: str
    platform: Platform
    full: bool
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    left_out: int

    @property
    def loads(self) -> bool:
        """Whether every target loads it."""
        return all(answer.loads for answer in self.answers)

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON value."""
        return {
            "source": self.source,
            "source_kind": self.source_kind,
            "platform": str(self.platform),
            "layers_read": self.full,
            "loads": self.loads,
            "targets": [_answer_json(answer) for answer in self.answers],
            "findings": [finding.to_json() for finding in self.findings],
            "findings_left_out": self.left_out,
        }


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "target": str(answer.target),
        "asked": answer.target.text,
        "loads": answer.loads,
        "command": answer.asks,
        "basis": answer.basis,
        "images": [
            {
                "names": list(loaded.names),
                "image_id": None if loaded.image_id is None else str(loaded.image_id),
                "id_of": loaded.id_of,
                "platform": None if loaded.platform is None else str(loaded.platform),
            }
            for loaded in answer.images
        ],
        "reasons": [_remark_json(each) for each in answer.reasons],
        "losses": [_remark_json(each) for each in answer.losses],
        "notes": [_remark_json(each) for each in answer.notes],
        "repack": list(answer.repair) or None,
        "no_repack": answer.unrepaired,
    }


def _remark_json(each: Remark) -> dict[str, Any]:
    return {
        "rule": each.rule.code,
        "message": each.message,
        "says": each.rule.says,
        "source": each.rule.source,
    }
