"""What becomes of each blob, as the documents need to know it: from facts, or the source's word."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from oci_layout.blobs.task import Fact, Task
from oci_layout.digest import Digest
from oci_layout.graph.nodes import Image, Layer, Node
from oci_layout.mediatype import Compression
from oci_layout.model.descriptor import Descriptor
from oci_layout.plan.packed import Packed
from oci_layout.plan.report import DeltaReport, LayerReport
from oci_layout.plan.thin import Thin
from oci_layout.plan.uses import Uses


@attrs.frozen(kw_only=True)
class Packing:
    """Jobs, who uses them, and what they came to.

    Args:
        tasks: by key.
        uses: the task key of each blob of a node, in order; None for one that is not there.
        facts: what each task came to; a task that is not there is taken at its word.
        repair: whether facts overrule what is stated.
        thin: what is left out.
        deltas: of layers that go out as deltas, by the keys of their tasks.
    """

    tasks: Mapping[str, Task]
    uses: Mapping[Node, Uses]
    facts: Mapping[str, Fact]
    repair: bool
    thin: Thin
    deltas: Mapping[str, DeltaReport] = attrs.field(factory=dict)

    def layers(self, image: Image) -> tuple[Packed, ...]:
        """An image's layers as they go out."""
        return tuple(
            self._layer(layer, key)
            for layer, key in zip(image.layers, self.uses[image], strict=True)
        )

    def _layer(self, layer: Layer, key: str | None) -> Packed:
        if key is None:  # foreign, elsewhere, or kept as absent
            if layer.digest is None:
                raise AssertionError("a layer without bytes and without digest")
            stated = layer.type.compression if layer.type is not None else Compression.NONE
            return Packed(
                layer=layer,
                digest=layer.digest,
                size=layer.size,
                compression=stated,
                diff_id=layer.diff_id,
                reencoded=False,
            )
        task, fact = self.tasks[key], self.facts.get(key)
        result = (fact.digest, fact.size) if fact is not None else task.stated_result
        if result is None:
            raise AssertionError(f"nothing is known of {task.member.name}")
        found = fact is not None and (
            self.repair or layer.diff_id is None or task.latest is not None
        )
        return Packed(
            layer=layer,
            digest=result[0],
            size=result[1],
            compression=task.result,
            diff_id=fact.inside if fact is not None and found else layer.diff_id,
            reencoded=task.encoding is not None,
            edited=task.latest is not None,
        )

    def predicted(self, image: Image) -> tuple[Packed, ...]:
        """An image's layers before the work, as far as its config is concerned."""
        unknown = Digest.of(b"")
        return tuple(
            Packed(
                layer=layer,
                digest=layer.digest or unknown,
                size=layer.size,
                compression=Compression.NONE,
                diff_id=layer.diff_id,
                reencoded=False,
            )
            for layer in image.layers
        )

    def blob(self, node: Node, number: int, stated: Descriptor) -> tuple[Digest, int]:
        """Digest and size of an opaque blob: as work found it, or as stated."""
        key = self.uses[node][number]
        fact = self.facts.get(key) if key is not None else None
        return (fact.digest, fact.size) if fact is not None else (stated.digest, stated.size)

    def report(self, image: Image) -> tuple[LayerReport, ...]:
        """What became of each layer, with what nobody can know yet left open."""
        return tuple(
            self._report(layer, key)
            for layer, key in zip(image.layers, self.uses[image], strict=True)
        )

    def _report(self, layer: Layer, key: str | None) -> LayerReport:
        task = self.tasks[key] if key is not None else None
        fact = self.facts.get(key) if key is not None else None
        if task is None:
            packed = self._layer(layer, None)
            result: tuple[Digest, int] | None = packed.digest, packed.size
            compression = packed.compression
        else:
            result = (fact.digest, fact.size) if fact is not None else task.stated_result
            compression = task.result
        encoding = task.encoding if task is not None else None
        delta = self.deltas.get(key) if key is not None else None
        kept_raw = task is not None and task.stored is Compression.NONE and not task.opaque
        return LayerReport(
            action="delta"
            if delta is not None
            else _action(layer, task, left_out=key in self.thin.withheld),
            compression=str(compression),
            encoder=encoding.encoder_name if encoding is not None else "",
            # The digest of a raw layer is its diff_id, known or not.
            before=layer.stated.digest
            if layer.stated is not None
            else layer.digest or (layer.diff_id if kept_raw else None),
            after=result[0] if result is not None else None,
            size_before=layer.size,
            size_after=result[1] if result is not None else None,
            diff_id=(fact.edited if fact is not None else None)
            or layer.diff_id
            or (fact.diff_id if fact is not None else None),
            expected_from=self.thin.owners.get(layer, ""),
            delta=delta,
            pulled_as=layer.pulled_as,
        )


def _action(layer: Layer, task: Task | None, *, left_out: bool) -> str:
    if left_out or layer.elsewhere:
        return "left out"
    if task is None:
        return "absent"
    return "re-encoded" if task.encoding is not None else "kept"
