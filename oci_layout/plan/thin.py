"""Thin results: layers that whoever reads the result has already are left out of it.

The documents stay those of the full result. What counts as there is what the reader's engine finds
(``havelist.values.Finds``), for the blob as it would be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from oci_layout.blobs.task import Task
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, ImageIndex, Layer, Node, Root
from oci_layout.graph.walk import every_image
from oci_layout.havelist.values import Finds, HeldLayer, Thinning, chains_of
from oci_layout.mediatype import Compression
from oci_layout.model.layout import DELTA, THIN
from oci_layout.plan.uses import Uses
from oci_layout.where import Where

_NAMED = 64  # images that the mark names


@attrs.frozen(kw_only=True, eq=False)
class Thin:
    """What is left out.

    Args:
        withheld: keys of tasks that nobody has to do.
        owners: what brings each layer that is left out: an image of those that are there.
    """

    withheld: frozenset[str] = frozenset()
    owners: Mapping[Layer, str] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls,
        roots: tuple[Root, ...],
        uses: Mapping[Node, Uses],
        tasks: Mapping[str, Task],
        thinning: Thinning | None,
        findings: Findings,
    ) -> Thin:
        """Decide what is left out: a blob that every image finds which has it.

        Args:
            roots: what goes out.
            uses: the task of each layer.
            tasks: by key.
            thinning: what is there; None for nothing.
            findings: told of what is there, packed in another way.
        """
        if thinning is None:
            return cls()
        have, finds = thinning.have, thinning.finds
        found: dict[str, bool] = {}
        owners: dict[Layer, tuple[str | None, str]] = {}
        for where, layer, key, chain in _layers(roots, uses):
            task = tasks[key] if key is not None else None
            result = task.stated_result if task is not None else None
            digest = result[0] if result is not None else None if task is not None else layer.digest
            there = have.holds(finds, digest, chain)
            if key is not None:
                found[key] = found.get(key, True) and there and result is not None
            if there:
                owner = have.owner(digest, chain)
                owners[layer] = key, owner.label if owner is not None else ""
            elif task is not None:
                _tell_otherwise(where, layer, task, chain, thinning, findings)
        withheld = frozenset(key for key, there in found.items() if there)
        left = {
            layer: name for layer, (key, name) in owners.items() if key is None or key in withheld
        }
        return cls(withheld=withheld, owners=left)

    @property
    def images(self) -> tuple[str, ...]:
        """The images that bring what is left out, each once, in order of use."""
        return tuple(dict.fromkeys(filter(None, self.owners.values())))

    def marked(self, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of ``index.json``: with the mark of what is left out, or without.

        Args:
            extra: what is carried over from the source's.
        """
        rest = {key: value for key, value in extra.items() if key != "annotations"}
        before = extra.get("annotations")
        notes = dict(before) if isinstance(before, dict) else {}
        was_marked = [notes.pop(mark, None) for mark in (THIN, DELTA)] != [None, None]
        if self.owners:
            notes[THIN] = ", ".join(self.images[:_NAMED]) or "layers"
        if not notes and (was_marked or before is None):
            return rest
        return {**rest, "annotations": notes}


def _layers(
    roots: tuple[Root, ...], uses: Mapping[Node, Uses]
) -> Iterator[tuple[Where, Layer, str | None, Digest | None]]:
    """Every layer of every image, with its task and its chain ID."""
    seen: set[tuple[Layer, ...]] = set()
    for root, image in every_image(roots):
        if image.layers in seen:
            continue
        seen.add(image.layers)
        label = str(root.names[0]) if root.names else image.config.digest.short
        chains = chains_of([layer.diff_id for layer in image.layers])
        for number, step in enumerate(zip(image.layers, uses[image], chains, strict=True)):
            yield Where(image=label, layer=number), *step


def _tell_otherwise(
    where: Where,
    layer: Layer,
    task: Task,
    chain: Digest | None,
    thinning: Thinning,
    findings: Findings,
) -> None:
    """Say that a layer is there, as other bytes than those that would be written."""
    held = thinning.have.packed(layer.diff_id) if layer.diff_id is not None else ()
    if not held:
        return
    findings.note(
        "packed-otherwise",
        "the other side has this layer, packed in another way or on other layers: it is not "
        "left out",
        where,
        _how_to_meet(layer, task, chain, thinning, held),
    )


def _how_to_meet(
    layer: Layer,
    task: Task,
    chain: Digest | None,
    thinning: Thinning,
    held: tuple[HeldLayer, ...],
) -> str:
    """What writes the bytes that are there, or an engine that finds what would be written."""
    digests = {each.digest for each in held}
    if task.encoding is not None and layer.digest in digests:
        return "--compression keep writes what is there"
    if task.result is not Compression.NONE and layer.diff_id in digests:
        return "--compression none writes what is there"
    digest = task.stated_result[0] if task.stated_result is not None else None
    for finds in (Finds.CHAIN, Finds.BLOB, Finds.BLOB_OR_TAR):
        # What is packed anew has no digest yet, and so cannot be left out for anybody.
        if digest is not None and thinning.have.holds(finds, digest, chain):
            return f"--for {finds.value} leaves it out: {finds.value} finds it"
    return ""


def elsewhere(roots: tuple[Root, ...], thinning: Thinning) -> tuple[Root, ...]:
    """The roots, with the layers marked that a thin source lacks and the other side has.

    Args:
        roots: what was selected.
        thinning: what is there.
    """
    marking = _Marking(thinning)
    return tuple(
        root if node is root.node else attrs.evolve(root, node=node)
        for root in roots
        for node in [marking.node(root.node)]
    )


class _Marking:
    """Marks layers, each stack once.

    Args:
        thinning: what is there.
    """

    def __init__(self, thinning: Thinning) -> None:
        self._thinning = thinning
        self._stacks: dict[tuple[Layer, ...], tuple[Layer, ...]] = {}

    def node(self, node: Node) -> Node:
        if isinstance(node, Image) and any(layer.lacking for layer in node.layers):
            return attrs.evolve(node, layers=self._stack(node.layers))
        if isinstance(node, ImageIndex):
            children = tuple(map(self.node, node.children))
            same = all(a is b for a, b in zip(children, node.children, strict=True))
            return node if same else attrs.evolve(node, children=children)
        return node

    def _stack(self, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        if layers not in self._stacks:
            chains = chains_of([layer.diff_id for layer in layers])
            self._stacks[layers] = tuple(
                attrs.evolve(layer, elsewhere=True) if self._there(layer, chain) else layer
                for layer, chain in zip(layers, chains, strict=True)
            )
        return self._stacks[layers]

    def _there(self, layer: Layer, chain: Digest | None) -> bool:
        if not layer.lacking or layer.digest is None:
            return False
        return self._thinning.have.holds(self._thinning.finds, layer.digest, chain)
