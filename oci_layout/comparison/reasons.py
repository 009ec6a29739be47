"""Why each digest differs, from the top down, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.layers import Change, LayerChange
from oci_layout.comparison.sides import LayerSide, Side
from oci_layout.comparison.spelling import spelling
from oci_layout.comparison.verdict import Verdict
from oci_layout.mediatype import Compression, Family

# Fields that tell how an image came to be; nothing of a container depends on them.
_RECORD = frozenset(
    {
        "author",
        "comment",
        "container",
        "container_config",
        "created",
        "docker_version",
        "history",
        "id",
        "parent",
        "Size",
    }
)
_FEW = 8


@attrs.frozen(kw_only=True)
class Reason:
    """Why one digest differs, or that it does not.

    Args:
        about: ``index``, ``manifest``, ``config`` or ``layers``.
        differs: whether it does; None where one side has nothing to compare.
        text: a sentence.
        because: what it comes from, a clause each; empty where the sentence says it all.
    """

    about: str
    differs: bool | None
    text: str
    because: tuple[str, ...] = ()


def listed(items: Iterable[str]) -> str:
    """Some words as a list for people: ``a, b and c``; of many the first."""
    words = list(items)
    if len(words) > _FEW:
        return f"{', '.join(words[:_FEW])} and {len(words) - _FEW} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def numbered(what: str, numbers: Sequence[int]) -> str:
    """``layer 2``, ``layers 0 to 3``, ``layers 0, 2 and 3``."""
    if len(numbers) == 1:
        return f"{what} {numbers[0]}"
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{what}s {numbers[0]} to {numbers[-1]}"
    return f"{what}s {listed(map(str, numbers))}"


def worded(a: Family, b: Family, what: str) -> str:
    """Whose media type a document has on either side."""
    name = {Family.OCI: "OCI's", Family.DOCKER: "Docker's"}
    return f"the media type of the {what} is {name[a]} in A and {name[b]} in B"


def manifest_reason(
    a: Side, b: Side, fields: Sequence[FieldDifference], changes: Sequence[LayerChange]
) -> Reason:
    """Why the manifests differ."""
    if a.manifest is None or b.manifest is None:
        none = [side for side, it in (("A", a), ("B", b)) if it.manifest is None]
        text = (
            "Neither has a manifest: an engine makes one when it loads them."
            if len(none) == 2
            else f"{none[0]} has no manifest to compare: an engine makes one when it loads it."
        )
        return Reason(about="manifest", differs=None, text=text)
    if a.manifest == b.manifest:
        return Reason(about="manifest", differs=False, text="The manifests are the same.")
    because = []
    one, two = a.candidate.image, b.candidate.image
    if (one.schema1 is None) != (two.schema1 is None):
        old, new = ("A", "B") if one.schema1 is not None else ("B", "A")
        because.append(f"it is of schema 1 in {old}, which holds no config, and newer in {new}")
    elif one.manifest is not None and two.manifest is not None:
        if one.manifest.media_type != two.manifest.media_type:
            because.append(worded(one.manifest.family, two.manifest.family, "manifest"))
        if one.manifest.config != two.manifest.config:
            because += _config_entry(a, b, fields)
    because += layer_clauses(changes)
    because += _other_fields(fields)
    return Reason(
        about="manifest",
        differs=True,
        text="The manifest digest differs because",
        because=tuple(because or spelled(a.manifest, b.manifest)),
    )


def _config_entry(a: Side, b: Side, fields: Sequence[FieldDifference]) -> list[str]:
    if a.config_digest != b.config_digest:
        return ["it names another config"]
    names = {str(field.path[1]) for field in fields if field.path[0] == "config" and field.path[1:]}
    if names == {"mediaType"}:
        return ["it gives the config another media type"]
    return [f"it says {listed(sorted(names))} of the config in another way"] if names else []


def _other_fields(fields: Sequence[FieldDifference]) -> list[str]:
    known = ("schemaVersion", "mediaType", "config", "layers", "fsLayers", "history", "signatures")
    names = dict.fromkeys(str(field.path[0]) for field in fields if field.path[0] not in known)
    deep = dict.fromkeys(
        str(field.path[2])
        for field in fields
        if field.path[0] == "layers"
        and len(field.path) > 2
        and field.path[2] not in ("mediaType", "digest", "size")
    )
    told = [f"{name} differs" for name in names]
    return told + [f"{name} of some layers differ" for name in deep]


def spelled(a: bytes, b: bytes) -> tuple[str, ...]:
    """What is left to differ where no field does."""
    return (f"the same is written in two ways: {listed(spelling(a, b))}",)


def layer_clauses(changes: Sequence[LayerChange]) -> list[str]:
    """What differs of the layers, alike ones together."""
    groups: dict[str, list[int]] = {}
    for each in changes:
        if each.change is not Change.SAME:
            number = each.a.number if each.a is not None else each.b.number if each.b else 0
            groups.setdefault(_clause(each), []).append(number)
    return [
        f"{numbered('layer', numbers)} {text.replace('{is}', 'is' if len(numbers) == 1 else 'are')}"
        for text, numbers in groups.items()
    ]


def packing(layer: LayerSide) -> str:
    """How a layer is packed, and what its label says where that is not true."""
    actual, labelled = layer.compression, layer.labelled
    name = _packed(actual if actual is not None else labelled)
    return name if labelled in (None, actual) or actual is None else f"{name} ({_label(labelled)})"


def _label(compression: Compression) -> str:
    return f"labelled {_packed(compression)}"


def _packed(compression: Compression | None) -> str:
    if compression is None:
        return "unknown"
    return "raw" if compression is Compression.NONE else str(compression)


def _clause(each: LayerChange) -> str:
    if each.a is None or each.b is None:
        return "{is} " + ("in B alone" if each.a is None else "in A alone")
    if each.change is Change.CHANGED:
        return "{is} another"
    one, two = packing(each.a), packing(each.b)
    if each.change is Change.RELABELLED:
        if each.a.labelled is not each.b.labelled and each.a.labelled and each.b.labelled:
            return (
                f"{{is}} {_label(each.a.labelled)} in A and {_label(each.b.labelled)} in B "
                "(the bytes are the same)"
            )
        return "{is} called by another media type"
    return f"{{is}} {one} in A and {two} in B" if one != two else f"{{is}} {one} in other bytes"


def made_reasons(a: Side, b: Side) -> tuple[Reason, ...]:
    """What is said of images that are older than configs."""
    return tuple(
        Reason(
            about="config",
            differs=None,
            text=f"{letter} holds no config; compared is what engines make of {made}.",
        )
        for letter, side in (("A", a), ("B", b))
        if (made := side.candidate.image.made_from)
    )


def config_reason(a: Side, b: Side, verdict: Verdict, fields: Sequence[FieldDifference]) -> Reason:
    """Why the configs, and with them the image IDs, differ."""
    if a.config == b.config:
        return Reason(
            about="config", differs=False, text="The config is the same, and with it the image ID."
        )
    if verdict is Verdict.SAME_CONTENT:
        return Reason(
            about="config",
            differs=True,
            text="The config digest differs, though both mean the same, because",
            because=(f"they are written in two ways: {listed(spelling(a.config, b.config))}",),
        )
    because = _lost(fields, record=False)
    diff_ids = [[layer.diff_id for layer in side.layers] for side in (a, b)]
    if diff_ids[0] != diff_ids[1]:
        because.append("it lists the diff_ids of other layers")
    record = _lost(fields, record=True)
    if record:
        because += [f"for the record only: {text}" for text in record]
    return Reason(
        about="config",
        differs=True,
        text="The config digest, which is the image ID, differs because",
        because=tuple(because) or ("its layers are listed in another way",),
    )


def _lost(fields: Sequence[FieldDifference], *, record: bool) -> list[str]:
    """Fields that one side lacks, and those that differ."""
    groups: dict[str, dict[str, None]] = {"a": {}, "b": {}, "": {}}
    for field in fields:
        if _is_record(field) is record:
            groups[field.only].setdefault(field_name(field))
    told = []
    for only, missing in (("a", "B"), ("b", "A")):
        if groups[only]:
            verb = "is" if len(groups[only]) == 1 else "are"
            told.append(f"{listed(groups[only])} {verb} missing in {missing}")
    if groups[""]:
        verb = "differs" if len(groups[""]) == 1 else "differ"
        told.append(f"{listed(groups[''])} {verb}")
    return told


def _is_record(field: FieldDifference) -> bool:
    # config.Image is the image that the builder's last step began with.
    return field.path[0] in _RECORD or field.path == ("config", "Image")


def field_name(field: FieldDifference) -> str:
    """A field in a sentence: ``Healthcheck (HEALTHCHECK)``; what lies deep by what it is in."""
    path = field.path[1:] if field.path[0] == "config" and len(field.path) > 1 else field.path
    shown = str(path[0])
    if len(path) > 1 and path[0] in ("Env", "Labels"):
        shown = f"{path[0]}.{path[1]}"
    return f"{shown} ({field.instruction})" if field.instruction else shown


def layers_reason(changes: Sequence[LayerChange], *, told: bool) -> Reason:
    """What became of the layers.

    Args:
        changes: every layer of both.
        told: whether the manifests differ, and it has been said of which layers they differ.
    """
    count = len(changes)
    kinds = {each.change for each in changes}
    layers = f"All {count} layers" if count != 1 else "The one layer"
    verb = "are" if count != 1 else "is"
    if kinds <= {Change.SAME}:
        return Reason(about="layers", differs=False, text=f"{layers} {verb} the same.")
    if kinds <= {Change.SAME, Change.RELABELLED}:
        text = f"{layers} {verb} the same, byte for byte; only the labels differ."
        return Reason(about="layers", differs=False, text=text)
    same = sum(each.change.same_files for each in changes)
    if same == count:
        verb = "hold" if count != 1 else "holds"
        text = f"{layers} {verb} the same files (diff_id), packed otherwise"
    elif count == 1:
        text = "The one layer is another tar (diff_id)"
    else:
        held = "are the same tars" if same != 1 else "is the same tar"
        text = f"{same} of {count} layers {held} (diff_id)"
    return Reason(
        about="layers",
        differs=True,
        text=f"{text}, as said above." if told else f"{text}:",
        because=() if told else tuple(layer_clauses(changes)),
    )
