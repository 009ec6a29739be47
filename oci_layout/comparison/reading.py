"""What layers are read for: their files, the trees that they make, and a verdict on those."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.files import compare_files
from oci_layout.comparison.layers import LayerChange
from oci_layout.comparison.pairing import Candidate
from oci_layout.comparison.report import ImagePair
from oci_layout.comparison.sides import LayerSide
from oci_layout.comparison.verdict import Verdict
from oci_layout.counting import plural
from oci_layout.errors import SelectionError
from oci_layout.filediff.comparing import Comparing
from oci_layout.filediff.ignoring import Ignored, ignores_field, word_of_field
from oci_layout.filediff.report import FilesReport
from oci_layout.limits import DIFFED_LAYERS

# What containers of two images would see, held against each other.
Trees = Callable[[Candidate, Candidate], FilesReport]
_Images = tuple[object, object]


@attrs.frozen(kw_only=True)
class Reading:
    """What is read.

    Args:
        files: whether each layer that differs is compared file by file.
        trees: compares the file systems of two images; None where that was not asked for.
        how: what counts of files, and what may be kept.
    """

    files: bool
    trees: Trees | None
    how: Comparing


def read_pairs(
    pairs: Sequence[ImagePair],
    reading: Reading,
    pool: Pool,
    labels: tuple[str, str],
    start: Callable[[int], object],
) -> tuple[ImagePair, ...]:
    """The pairs with what was read of their layers; nothing is read twice for two pairs.

    Args:
        pairs: images that were compared by their documents.
        reading: what is read.
        pool: whose meter is told of bytes read.
        labels: what to call the two sources in messages.
        start: told of all bytes to read.

    Raises:
        DamagedError: a layer that is not there, or does not hold.
        SelectionError: more layers than one comparison reads.
    """
    layers: dict[object, LayerChange] = {}
    trees: dict[_Images, ImagePair] = {}
    for each in pairs:
        if reading.files:
            layers |= {_content(change): change for change in _differing(each)}
        if reading.trees is not None and _differing(each):
            trees.setdefault(_images(each), each)
    sides = [side for each in layers.values() for side in (each.a, each.b) if side is not None]
    sides += [side for each in trees.values() for side in (*each.a.layers, *each.b.layers)]
    if len(sides) > DIFFED_LAYERS:
        raise SelectionError(
            what=f"{plural(len(sides), 'layer')} to be read, where at most {DIFFED_LAYERS} are",
            hint="choose with --image or --platform",
        )
    start(sum(side.layer.size for side in sides))
    by_layer = {key: compare_files(each, pool, labels, reading.how) for key, each in layers.items()}
    by_images: dict[_Images, FilesReport] = {}
    if reading.trees is not None:
        for key, each in trees.items():
            by_images[key] = reading.trees(each.a.candidate, each.b.candidate)
    return tuple(
        attrs.evolve(
            each,
            layer_files=tuple(
                _of(by_layer[_content(change)], change)
                for change in _differing(each)
                if reading.files
            ),
            rootfs=by_images.get(_images(each)),
        )
        for each in pairs
    )


def settled(pair: ImagePair, reading: Reading) -> ImagePair:
    """The pair with the verdict that holds once something is ignored.

    The merged trees decide where they were compared: what a container sees. Else all layers do.

    Args:
        pair: with what was read of its layers.
        reading: what was read, and what does not count.
    """
    ignored = reading.how.ignored
    config = tuple(field for field in pair.config if not ignores_field(ignored, field.path))
    pair = attrs.evolve(pair, config=config)
    if pair.verdict.same:
        return pair
    left = _left(pair, reading)
    if left is None:
        return pair
    if left or not ignored:
        return attrs.evolve(pair, ignorable=tuple(each for each in Ignored if each in left))
    return attrs.evolve(pair, verdict=Verdict.SAME_BUT)


def _left(pair: ImagePair, reading: Reading) -> frozenset[Ignored] | None:
    """What more to ignore, so that nothing is left; None where that is no help, or is not known."""
    words = [_word(field) for field in pair.config]
    if _differing(pair):
        if reading.trees is not None:
            words.append(None if pair.rootfs is None else pair.rootfs.words)
        else:
            words += [each.words for each in pair.layer_files] if reading.files else [None]
    return None if None in words else frozenset().union(*(each for each in words if each))


def _word(field: FieldDifference) -> frozenset[Ignored] | None:
    word = word_of_field(field.path)
    return None if word is None else frozenset({word})


def _differing(pair: ImagePair) -> list[LayerChange]:
    """The layers that hold other files."""
    return [each for each in pair.layers if not each.change.same_files]


def _images(pair: ImagePair) -> _Images:
    return pair.a.candidate.image, pair.b.candidate.image


def _content(change: LayerChange) -> object:
    """What two changes have in common whose layers need not be read twice."""
    return _bytes(change.a), _bytes(change.b)


def _bytes(side: LayerSide | None) -> object:
    if side is None:
        return None
    return side.diff_id or side.digest or side


def _of(report: FilesReport, change: LayerChange) -> FilesReport:
    """A report with the numbers that the layers have in one pair."""
    a = change.a.number if change.a is not None else None
    b = change.b.number if change.b is not None else None
    return report if (report.a, report.b) == (a, b) else attrs.evolve(report, a=a, b=b)
