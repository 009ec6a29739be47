"""The ``layout repack`` line that makes something of a source which a target loads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from oci_layout.blobs.compress import Compress
from oci_layout.counting import plural
from oci_layout.errors import LayoutError
from oci_layout.finding import REPAIRABLE, FailFast, Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.selection import Choice, select
from oci_layout.graph.walk import images
from oci_layout.mediatype import Compression
from oci_layout.plan.options import Options
from oci_layout.plan.planning import make_plan
from oci_layout.plan.request import Format, Repack
from oci_layout.platform import Platform
from oci_layout.source import kinds
from oci_layout.source.opening import STANDARD_INPUT, Source
from oci_layout.targets.answer import Remark
from oci_layout.targets.docker import DEEPEST
from oci_layout.targets.facts import Facts
from oci_layout.targets.rules import Cure
from oci_layout.targets.target import Target

# With these the caller names the image at its destination, and takes one at a time.
CALLER_NAMES = ("skopeo", "cri-o")

Line = tuple[tuple[str, ...], str]

_PACKED = re.compile(r"\.(tar|tar\.\w+|tgz|tzst|tbz2?|txz)$", re.IGNORECASE)

_RAW = Compression.NONE

# What --repair would believe, and nobody but the one who edited the file can tell from damage.
_CHANGED = {"digest-mismatch", "size-mismatch", "diffid-mismatch"}


def repair(
    facts: Facts,
    target: Target,
    remarks: Sequence[Remark],
    platform: Platform,
    chosen: tuple[str, ...],
) -> Line:
    """The words of the line, or else why there is none.

    Args:
        facts: the source.
        target: that is to load the result.
        remarks: what speaks against the source as it is.
        platform: of the target's host.
        chosen: ``--image`` of the caller.
    """
    errors = facts.source.findings.errors
    changed = any(each.code in _CHANGED for each in errors)
    if changed or any(each.rule.code == "diff-id" for each in remarks):
        # A line to paste here would give rotten bytes a new digest.
        return (), (
            "bytes are damaged, or were edited by hand: copy the file again; repack --repair takes "
            "them as they are, if they are meant"
        )
    helpless = next((each for each in remarks if each.rule.cure is Cure.NONE), None)
    if helpless is not None:
        return (), f"repack does not repair this: {helpless.rule.says}"
    worst = next((each for each in errors if each.code not in REPAIRABLE), None)
    if worst is not None:
        return (), f"the source is damaged: {worst} (layout verify tells more)"
    roots = [root for root in facts.source.roots if any(images(root.node))]
    if not roots:
        return (), "there is no image inside"
    form, docker, flags = _form(target)
    taken = list(chosen) or _one_image(facts.source.roots, roots, target)
    if taken:
        wanted = Choice(images=tuple(taken))
        roots = list(select(facts.source.roots, wanted, Findings()))
    obstacle = _obstacle(roots, target, platform)
    if obstacle:
        return (), obstacle
    names = _names(facts, roots) if target.name not in CALLER_NAMES else []
    if names is None:
        return (), "several images have no name: take each with --image and give it a --name"
    one = docker or target.variant == "docker-archive"
    platforms = [str(platform)] if one and _ambiguous(roots) else []
    repaired = bool(errors) or any(each.rule.cure is Cure.REPAIR for each in remarks)
    legacy = "--legacy" in flags
    request = Repack(
        to=Format.DOCKER if docker else Format.OCI,
        compression=Compress.parse("none" if legacy else "auto"),
        images=taken,
        platforms=[platform] if platforms else (),
        names=names,
        legacy=legacy,
        repair=repaired,
    )
    options = Options.of(request, docker_view=form == ".tar")
    asked = (taken, platforms, names, flags, repaired)
    same = facts.source.kind is kinds.HYBRID and facts.archive and facts.outer is _RAW
    if same and not docker and not any(asked):
        # What would be written is what is there.
        return (), f"repack does not repair this: {remarks[0].rule.says}"
    refused = _refused(facts.source, options)
    if refused:
        return (), refused
    words = ["layout", "repack", facts.named]
    words += ["--to", _to(target), *flags, *(["--repair"] if repaired else [])]
    for option, values in (("--image", taken), ("--platform", platforms), ("--name", names)):
        words += [word for value in values for word in (option, value)]
    kind = "legacy" if legacy else _to(target)
    return (*words, "-o", f"{_stem(facts.path)}-{kind}{form}"), ""


def _form(target: Target) -> tuple[str, bool, list[str]]:
    """What is written: the suffix of its name, whether Docker reads it, and flags."""
    if target.variant in ("oci", "dir"):
        return "", False, []
    docker = target.name == "docker" and not target.containerd_store
    legacy = docker and target.version < (1, 10)
    return ".tar", docker, ["--legacy"] if legacy else []


def _to(target: Target) -> str:
    if target.variant == "dir":
        return "dir"
    return "docker" if target.name == "docker" and not target.containerd_store else "oci"


def _stem(path: str) -> str:
    name = os.path.basename(os.path.abspath(path)) if path != STANDARD_INPUT else "image"
    return _PACKED.sub("", name) or "image"


def _one_image(all_roots: Sequence[Root], roots: Sequence[Root], target: Target) -> list[str]:
    """The first of several images or names, for an engine that takes one."""
    by_index = target.variant in ("oci-archive", "oci", "dir")
    listed = all_roots if by_index or target.name == "kind" else roots
    count = sum(max(1, len(root.names) if by_index else 1) for root in listed)
    # Of several platforms manifest.json has none, and podman is left with an index of several.
    entries = sum(max(1, len(root.names)) for root in roots)
    takes_one = target.name == "podman" and _ambiguous(roots) and entries > 1
    if not takes_one and (target.name not in (*CALLER_NAMES, "kind") or count < 2):
        return []
    if target.name == "kind" and len(listed) == len(roots):
        return []
    first = roots[0]
    if first.names:
        return [str(first.names[0])]
    image = next(images(first.node))
    digest = image.descriptor.digest if image.descriptor is not None else image.config.digest
    return [str(digest)]


def _obstacle(roots: Sequence[Root], target: Target, host: Platform) -> str:
    """What stays in the way after any conversion; empty when nothing does."""
    classic = target.name == "docker" and not target.containerd_store
    for root in roots:
        for image in images(root.node):
            if classic and target.version < (1, 10) and not image.layers:
                return f"{root.label} has no layers, and so no V1 form"
            if classic and image.platform.os not in ("", host.os):
                return f"{root.label} is for {image.platform}, the host is {host}"
            if classic and len(image.layers) > DEEPEST:
                return (
                    f"{root.label} has {plural(len(image.layers), 'layer')}, Docker holds {DEEPEST}"
                )
            if any(layer.descriptor and layer.descriptor.urls for layer in image.layers):
                return f"{root.label} has layers that are to be fetched from elsewhere"
            stored = [image.config.digest] + [layer.digest for layer in image.layers]
            if not classic and any(each and each.algorithm != "sha256" for each in stored):
                return f"{root.label} has sha512 digests, which repack keeps"
    return ""


def _names(facts: Facts, roots: Sequence[Root]) -> list[str] | None:
    """Values of ``--name`` for what has no whole name; None where no line can give them."""
    bare = [name.text for root in roots for name in root.names if name.reference is None]
    nameless = [root for root in roots if not root.names]
    if len(roots) == 1 and (nameless or bare == [name.text for name in roots[0].names]):
        tag = bare[0] if bare else ""
        return [_guess(facts.path, tag)]
    if nameless:
        return None
    return [f"{text}={_guess(facts.path, text)}" for text in bare]


def _guess(path: str, tag: str) -> str:
    """A name after the file: the caller will know a better one."""
    repository = re.sub(r"[^a-z0-9]+", "-", _stem(path).lower()).strip("-") or "image"
    valid = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag)
    return f"{repository}:{tag if valid else 'latest'}"


def _ambiguous(roots: Sequence[Root]) -> bool:
    """Whether Docker must be told which platform of a name to take."""
    return any(
        len(list(images(root.node))) > 1 and not dict(root.docker).keys() >= set(_keys(root))
        for root in roots
    )


def _keys(root: Root) -> Iterator[str]:
    yield from (name.key for name in root.names) if root.names else ("",)


def _refused(source: Source, options: Options) -> str:
    """What repack would say; empty when it would do it."""
    try:
        make_plan([source], options, FailFast())
    except LayoutError as error:
        return f"repack refuses: {error}"
    return ""
