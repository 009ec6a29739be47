"""What ``layout diff`` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from oci_layout.cli.cells import cells, columns, wrapped
from oci_layout.cli.difffiles import file_tables
from oci_layout.cli.difftables import config_table, layer_table, manifest_table
from oci_layout.cli.text import short, shown, size_text
from oci_layout.comparison.indexes import entry_name
from oci_layout.comparison.layers import Change
from oci_layout.comparison.pairing import Candidate
from oci_layout.comparison.reasons import Reason, listed, packing
from oci_layout.comparison.report import Comparison, ImagePair, SourceNotes
from oci_layout.comparison.request import Diff
from oci_layout.comparison.sides import LayerSide, Side
from oci_layout.comparison.verdict import Verdict
from oci_layout.filediff.ignoring import Ignored

_SAYS = {
    Verdict.IDENTICAL: "the same manifest, byte for byte",
    Verdict.SAME_CONTENT: "the configs mean the same, though their bytes differ",
    Verdict.SAME_FILES: "the layers are the same, the configs mean something else",
    Verdict.DIFFERENT: "the layers are not the same",
}
_ALONE = 40  # images without a match that are shown; --json has all


def render(found: Comparison, width: int, asked: Diff) -> list[str]:
    """The comparison as lines for people: verdict, reasons, fields, layers, what it means.

    Args:
        found: what was found.
        width: columns of the terminal.
        asked: what was asked for.
    """
    lone = len(found.pairs) == 1 and not found.a.alone and not found.b.alone
    says = _says(found.pairs[0], found.ignored) if lone else _counted(found)
    lines = wrapped(f"{found.verdict}: {says}", width, "", "  ")
    lines.append("")
    for letter, source in (("A", found.a), ("B", found.b)):
        label = f"{letter}  {shown(source.label)}:"
        one = f"{label} {source.kind}"
        lines += (
            [one] if cells(one) <= width else [label, *wrapped(source.kind, width, "   ", "   ")]
        )
    told: set[object] = set()
    for pair in found.pairs:
        roots = pair.a.candidate.root, pair.b.candidate.root
        tables = file_tables(pair, found.ignored, width, files=asked.files, rootfs=asked.rootfs)
        tables += _left(pair, found.ignored, width)
        lines += _pair(pair, width, tables, lone=lone, first=roots not in told)
        told.add(roots)
    for letter, source in (("A", found.a), ("B", found.b)):
        lines += _alone(letter, source, width)
    return lines


def _says(pair: ImagePair, ignored: Sequence[Ignored]) -> str:
    if pair.verdict is Verdict.SAME_BUT:
        return f"nothing differs but {listed(ignored)}"
    if pair.verdict is not Verdict.SAME_IMAGE_ID:
        return _SAYS[pair.verdict]
    if all(each.change in (Change.SAME, Change.RELABELLED) for each in pair.layers):
        return "the config and the layers are the same, byte for byte"
    return "the config is the same, byte for byte; the packaging of layers differs"


def _left(pair: ImagePair, ignored: Sequence[Ignored], width: int) -> list[str]:
    """What would be ignored for a better verdict, where that is all there is."""
    if not pair.ignorable:
        return []
    words = ",".join(each for each in Ignored if each in (*ignored, *pair.ignorable))
    return ["", *wrapped(f"With --ignore {words} nothing is left that differs.", width, "", "  ")]


def _counted(found: Comparison) -> str:
    counts = [
        f"{sum(pair.verdict is verdict for pair in found.pairs)} {verdict}"
        for verdict in Verdict
        if any(pair.verdict is verdict for pair in found.pairs)
    ]
    for letter, source in (("A", found.a), ("B", found.b)):
        if source.alone:
            counts.append(f"{len(source.alone)} in {letter} alone")
    return f"of the images, {', '.join(counts)}"


def _alone(letter: str, source: SourceNotes, width: int) -> list[str]:
    lines = []
    if source.alone:
        lines += ["", f"In {letter} alone"]
        for each in source.alone[:_ALONE]:
            place, identity = shown(str(each.platform)), short(each.image.config.digest)
            text = f"{_names(each)}  {place}  image ID {identity}"
            lines += wrapped(text, width, "  ", "    ")
    if len(source.alone) > _ALONE:
        lines.append(f"  and {len(source.alone) - _ALONE} more; --json lists them")
    if source.absent:
        names = Counter(entry_name(each) for each in source.absent)
        text = listed(f"{name} ({n})" if n > 1 else name for name, n in names.items())
        text = shown(f"An index of {letter} lists what {letter} does not hold: {text}.")
        lines += ["", *wrapped(text, width, "", "  ")]
    return lines


def _names(each: Candidate) -> str:
    return ", ".join(shown(str(name)) for name in each.root.names) or "(no name)"


def _pair(pair: ImagePair, width: int, files: list[str], *, lone: bool, first: bool) -> list[str]:
    one, two = _names(pair.a.candidate), _names(pair.b.candidate)
    platform = shown(str(pair.a.candidate.platform))
    if pair.a.candidate.platform != pair.b.candidate.platform:
        platform += f" and {shown(str(pair.b.candidate.platform))}"
    head = f"{one}  {platform}" if one == two else f"{one} (A), {two} (B)  {platform}"
    lines = ["", *wrapped(head if lone else f"{head}: {pair.verdict}", width, "", "    ")]
    if pair.verdict is Verdict.IDENTICAL and not lone and (pair.consequences.registry or not first):
        return lines
    lines += _digests(pair, width)
    lines += ["", "Why"]
    for reason in pair.reasons:
        lines += _reason(reason, width)
    lines += manifest_table(pair.manifest, width)
    lines += config_table(pair.config, width)
    lines += layer_table(pair.layers, width)
    return lines + files + _meaning(pair, width)


def _digests(pair: ImagePair, width: int) -> list[str]:
    a, b = pair.a, pair.b
    rows = []
    if a.candidate.index is not None or b.candidate.index is not None:
        rows.append(("index", *_index_digests(a, b)))
    rows.append(("manifest", _digest(a.manifest_digest), _digest(b.manifest_digest)))
    rows.append(("image ID", short(a.config_digest), short(b.config_digest)))
    marked = [(name, one, two, _mark(one, two)) for name, one, two in rows]
    same = all(each.change in (Change.SAME, Change.RELABELLED) for each in pair.layers)
    sums = _layer_sum(a.layers), _layer_sum(b.layers)
    marked.append(("layers", *sums, "same" if same else "differs"))
    table = columns([("", "A", "B", ""), *marked], "  ")
    if max(map(cells, table)) <= width:
        return table
    lines = []
    for name, one, two, mark in marked:
        lines += [f"  {name}: {mark}", f"    A  {one}", f"    B  {two}"]
    return lines


def _index_digests(a: Side, b: Side) -> tuple[str, str]:
    one, two = (
        side.candidate.index.descriptor.digest if side.candidate.index is not None else None
        for side in (a, b)
    )
    return _digest(one), _digest(two)


def _digest(digest: Any) -> str:
    return "none" if digest is None else short(digest)


def _mark(a: str, b: str) -> str:
    return "" if "none" in (a, b) else "same" if a == b else "differs"


def _layer_sum(layers: Sequence[LayerSide]) -> str:
    kinds = dict.fromkeys(packing(layer) for layer in layers)
    return f"{len(layers)} {'/'.join(kinds)}, {size_text(sum(x.layer.size for x in layers))}"


def _reason(reason: Reason, width: int) -> list[str]:
    lines = wrapped(shown(reason.text), width, "  ", "    ")
    for clause in reason.because:
        lines += wrapped(shown(clause), width, "    - ", "      ")
    return lines


def _meaning(pair: ImagePair, width: int) -> list[str]:
    lines = ["", "What it means"]
    for text in _sentences(pair):
        lines += wrapped(text, width, "  - ", "    ")
    return lines


def _sentences(pair: ImagePair) -> list[str]:
    a, b, means = pair.a, pair.b, pair.consequences
    if means.docker:
        told = [f"Docker, classic image store: one image, ID {a.config_digest.short}."]
    else:
        ids = f"{a.config_digest.short} (A) and {b.config_digest.short} (B)"
        told = [f"Docker, classic image store: two images, IDs {ids}."]
    if a.top is None or b.top is None:
        which = "each" if a.top is b.top else "A" if a.top is None else "B"
        store = f"the engine makes one for {which} when it loads it, and its digest is the image ID"
        registry = f"the digest of {which} is known only when somebody pushes it"
    elif means.registry:
        store = f"one image, ID {a.top.short}"
        registry = "one digest; a push of B over A changes nothing"
    else:
        store = (
            f"two images, IDs {a.top.short} (A) and {b.top.short} (B): there the digest of the "
            "manifest, or of the index around it, is the image ID"
        )
        registry = (
            f"two digests; a push of B under the tag of A moves the tag to {b.top.short} and "
            "overwrites nothing: A stays, under its digest"
        )
    if a.top is None or b.top is None:
        store = f"there the manifest counts: {store}"
    told += [f"containerd image store: {store}.", f"Registry: {registry}."]
    if not means.registry:
        told.append(_uploads(pair))
    believed = "Layers were compared by the digests stated for them; layout verify checks those."
    return [*told, believed]


def _uploads(pair: ImagePair) -> str:
    means, count = pair.consequences, len(pair.b.layers)
    if not means.uploads:
        return f"Layers, pushed as they are stored here: those of B ({count}) are there with A."
    return (
        f"Layers, pushed as they are stored here: {means.shared} of {count} of B are there with A, "
        f"{size_text(means.upload_bytes)} to upload."
    )
