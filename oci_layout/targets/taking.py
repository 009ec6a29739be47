"""Which targets take documents whose media types stay as they are, not all of them OCI's.

Each kind of such documents is asked about once, with what would be written of one image of it, and
by the same rules as ``check`` asks by.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import every, every_image
from oci_layout.mediatype import Family
from oci_layout.model.manifest import Manifest
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.planning import Plan
from oci_layout.targets.answer import Remark
from oci_layout.targets.facts import Facts, gather
from oci_layout.targets.foreseeing import foresee
from oci_layout.targets.predicting import predict
from oci_layout.targets.target import USUAL, Target

# What a target says of the form of a source, or of what is not in it, whatever its documents are.
_FORM = frozenset(
    {
        "bad-name",
        "missing-config",
        "missing-layer",
        "missing-manifest",
        "needs-archive",
        "needs-layout",
        "needs-manifest-json",
        "no-image",
        "several-images",
        "sparse-index",
        "transport",
    }
)

_Kind = tuple[str, str, frozenset[str]]


def kept_types(plan: Plan, path: str, *, archive: bool) -> tuple[Change, ...]:
    """What to say of media types that a plan keeps: who takes them, and who does not.

    Args:
        plan: what is to be done.
        path: what the result is called.
        archive: whether it is one.
    """
    kinds: dict[_Kind, tuple[Root, Image]] = {}
    for root, image in every_image(plan.roots):
        if image.manifest is None or image.descriptor is None or _plain(image.manifest):
            continue
        kinds.setdefault(_kind_of(image.manifest), (root, image))
    asked = list(itertools.islice(kinds.values(), limits.MIXTURES))
    if not asked:
        return ()
    roots = tuple({root.node: root for root, _ in asked}.values())
    used = {key for _, node in every(roots) for key in plan.uses[node]}
    tasks = {key: task for key, task in plan.tasks.items() if key in used}
    part = attrs.evolve(plan, roots=roots, tasks=tasks, lost=(), findings=Findings())
    try:
        made, _ = foresee(part, path, archive=archive, flat=False)
        thinning = plan.options.thinning
        facts = gather(made, path, have=thinning.have if thinning is not None else None)
    except LayoutError:  # whoever writes it will say so
        return ()
    told = [_told(facts, root, image) for root, image in asked]
    if len(kinds) > len(asked):
        what = f"{plural(len(kinds) - len(asked), 'more mixture')} of media types"
        told.append(Change(ChangeKind.KEPT, f"{what}: layout check tells who takes them"))
    return tuple(each for each in told if each is not None)


def _plain(manifest: Manifest) -> bool:
    return all(whose <= {Family.OCI} for whose in manifest.vocabularies.values())


def _kind_of(manifest: Manifest) -> _Kind:
    config = manifest.config.media_type if manifest.config is not None else ""
    return manifest.media_type, config, frozenset(each.media_type for each in manifest.layers)


def _told(facts: Facts, root: Root, image: Image) -> Change | None:
    """Who takes one image, as it would be written."""
    if image.descriptor is None:
        return None
    alone = facts.narrowed(frozenset({image.descriptor.digest, image.config.digest}))
    takes: list[Target] = []
    refuses: dict[str, list[Target]] = {}
    for target in map(Target.parse, USUAL):
        reading, _ = predict(alone, target.through, image.platform.normalised())
        codes = {each.rule.code for each in reading.reasons}
        if not codes:
            takes.append(target)
        elif not codes <= _FORM:
            refuses.setdefault(_worst(reading.reasons), []).append(target)
    if not takes and not refuses:
        return None
    parts = [f"{', '.join(map(str, takes))} take them"] if takes else []
    for why, those in refuses.items():
        parts.append(f"{', '.join(map(str, those))} refuse them: {why}")
    what = f"media types of {root.label}: {'; '.join(parts)}"
    return Change(ChangeKind.KEPT, what, digest=str(image.descriptor.digest), field="mediaType")


def _worst(reasons: Iterable[Remark]) -> str:
    """The first reason that the documents give."""
    return next(each.message for each in reasons if each.rule.code not in _FORM)
