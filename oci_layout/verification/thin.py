"""Thin images: layers are left out, or told as deltas, since whoever gets them has the rest."""

from __future__ import annotations

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Layer
from oci_layout.model.layout import DELTA, THIN
from oci_layout.source.opening import Source
from oci_layout.source.restoring import RestoredMember, deltas_of
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Marks:
    """What a source says of what it lacks on purpose.

    Args:
        thin: the images that bring what is left out; empty without a mark.
        delta: the images that deltas are made from; empty without a mark.
        deltas: diff_ids of the layers that are told as deltas.
    """

    thin: str = ""
    delta: str = ""
    deltas: frozenset[Digest] = frozenset()

    @classmethod
    def of(cls, source: Source) -> Marks:
        """Those of a source."""
        index = source.contents.index
        notes = index.annotations if index is not None else {}
        return cls(
            thin=notes.get(THIN, ""),
            delta=notes.get(DELTA, ""),
            deltas=frozenset(deltas_of(source.roots)),
        )

    def told(self, image: Image) -> tuple[Layer, ...]:
        """The layers of an image that are not there, and told as deltas."""
        return tuple(
            layer for layer in image.layers if layer.lacking and layer.diff_id in self.deltas
        )

    def lacks_on_purpose(self, image: Image) -> bool:
        """Whether an image lacks layers, and each of them on purpose."""
        away = {*self.told(image), *self.left_out(image)}
        return bool(away) and all(layer in away for layer in image.layers if layer.lacking)

    def left_out(self, image: Image) -> tuple[Layer, ...]:
        """The layers that were left out of an image on purpose.

        Only the mark tells that: without it, what is missing may as well be lost.
        """
        if not self.thin:
            return ()
        told = self.told(image)
        return tuple(layer for layer in image.layers if layer.lacking and layer not in told)


def check_thin(image: Image, label: str, marks: Marks, source: str, findings: Findings) -> None:
    """Say of a thin image what it wants, or what has completed it.

    Args:
        image: the image.
        label: what to call it.
        marks: what its source says of what it lacks.
        source: what to call the source.
        findings: told of it.
    """
    where = Where(image=label)
    _check_deltas(image, marks, where, findings)
    missing, mark = marks.left_out(image), marks.thin
    if missing:
        size = sum(layer.size for layer in missing)
        brought = f" with {mark[:_SHOWN]}" if mark else ""
        findings.error(
            "thin",
            f"is thin: complete only{brought}; {plural(len(missing), 'layer')} "
            f"({plural(size, 'byte')}) left out: {_listed(missing)}",
            where,
            "--base SOURCE names what has them",
        )
    lenders = dict.fromkeys(
        layer.there.member.store
        for layer in image.layers
        if layer.there is not None
        and layer.there.member is not None
        and not isinstance(layer.there.member, RestoredMember)
    )
    others = [each for each in lenders if each not in ("", source)]
    if others:
        findings.note("thin", f"is thin: complete with {', '.join(others)}", where)


def _check_deltas(image: Image, marks: Marks, where: Where, findings: Findings) -> None:
    told = marks.told(image)
    if told:
        brought = f" of {marks.delta[:_SHOWN]}" if marks.delta else ""
        findings.error(
            "delta",
            f"has {plural(len(told), 'layer')} as a delta{brought} ({_listed(told)}): no "
            "engine loads it as it is",
            where,
            "layout repack SOURCE --base OLD --to oci -o NEW completes it",
        )
    made = [
        each
        for layer in image.layers
        if (each := layer.there) is not None and isinstance(each.member, RestoredMember)
    ]
    if made:
        findings.note("delta", f"{plural(len(made), 'layer')} of it made again by deltas", where)


def _listed(layers: tuple[Layer, ...]) -> str:
    more = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
    return f"{layers[0].called}{more}"


_SHOWN = 200  # characters of a mark that a message has
