"""The ``layout repack`` line that makes something of a source which a target loads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

import attrs

from oci_layout.blobs.compress import Compress
from oci_layout.codes import BYTES
from oci_layout.counting import plural
from oci_layout.errors import LayoutError, SelectionError
from oci_layout.finding import REPAIRABLE, FailFast, Finding, Findings
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.selection import Choice, select
from oci_layout.graph.walk import every, images
from oci_layout.mediatype import Compression
from oci_layout.plan.dockerview import of_names
from oci_layout.plan.options import Options
from oci_layout.plan.planning import make_plan
from oci_layout.plan.request import Attestations, Format, Repack
from oci_layout.platform import Platform
from oci_layout.source import kinds
from oci_layout.source.opening import STANDARD_INPUT, Source
from oci_layout.source.restoring import deltas_of
from oci_layout.source.scope import Scope
from oci_layout.targets.answer import Remark
from oci_layout.targets.docker import DEEPEST
from oci_layout.targets.facts import Facts, gather
from oci_layout.targets.foreseeing import foresee
from oci_layout.targets.predicting import predict
from oci_layout.targets.rule import Cure
from oci_layout.targets.target import Target

# With these the caller names the image at its destination, and takes one at a time.
CALLER_NAMES = ("skopeo", "cri-o")

# They take one image of a source, or one name; podman also where it lists no others.
_ONE_AT_A_TIME = (*CALLER_NAMES, "kind", "podman")

Line = tuple[tuple[str, ...], str]

_PACKED = re.compile(r"\.(tar|tar\.\w+|tgz|tzst|tbz2?|txz)$", re.IGNORECASE)

_RAW = Compression.NONE

# What --repair would believe, and nobody but the one who edited the file can tell from damage.
_CHANGED = BYTES & REPAIRABLE

_MOST = 40  # images that a line names one by one
_KEPT = 2  # results that are kept: targets that stand side by side are often told the same
_DOCUMENT_BYTES = 32 << 20  # of a result that is looked at


def curable(target: Target, losses: Sequence[Remark]) -> list[Remark]:
    """Losses that repack can make good; who takes one image at a time loses the others anyway."""
    if target.name in CALLER_NAMES:
        return []
    return [each for each in losses if each.rule.cure is not Cure.NONE]


@attrs.frozen(kw_only=True)
class _Way:
    """A line that may repair.

    Args:
        words: all but the name of the result.
        request: what they ask for.
        path: what the result is called.
        docker_view: whether it has a ``manifest.json``.
    """

    words: tuple[str, ...]
    request: Repack
    path: str
    docker_view: bool

    @property
    def line(self) -> tuple[str, ...]:
        """All words."""
        return (*self.words, "-o", self.path)


class _NoWayError(Exception):
    """Why there is no such line."""


class Repairs:
    """Finds the lines for one source. Each is tried on paper: what it would write is asked about.

    Args:
        facts: the source.
        platform: of the targets' host.
        chosen: ``--image`` of the caller.
    """

    def __init__(self, facts: Facts, platform: Platform, chosen: tuple[str, ...]) -> None:
        self._facts, self._platform, self._chosen = facts, platform, chosen
        self._results: dict[tuple[str, ...], Facts | str] = {}

    def line(self, target: Target, remarks: Sequence[Remark], *, loads: bool) -> Line:
        """The words of the line, or else why there is none.

        Args:
            target: that is to load the result.
            remarks: what speaks against the source as it is.
            loads: whether that are losses alone.
        """
        why = ""
        try:
            self._require_hope(remarks)
            for taken, drop in self._choices(target):
                way = self._way(target, remarks, taken, drop=drop)
                found = self._speaks_against(way, target, remarks, loads=loads)
                if not found:
                    return way.line, ""
                why = why or found
        except _NoWayError as error:
            why = why or str(error)
        return (), why

    def _require_hope(self, remarks: Sequence[Remark]) -> None:
        """Refuse what no line repairs."""
        source = self._facts.source
        if not source.whole and deltas_of(source.roots):
            raise _NoWayError(
                "layers are there as deltas, which no engine loads: layout repack --base OLD "
                "completes them first"
            )
        errors = _errors(self._facts, self._chosen)
        changed = any(each.code in _CHANGED for each in errors)
        opaque = any(
            layer.opaque
            for root in source.roots
            for image in images(root.node)
            for layer in image.layers
        )
        if changed or (not opaque and any(each.rule.code == "diff-id" for each in remarks)):
            # A line to paste here would give rotten bytes a new digest.
            raise _NoWayError(
                "bytes are damaged, or were edited by hand: copy the file again; repack --repair "
                "takes them as they are, if they are meant"
            )
        helpless = next((each for each in remarks if each.rule.cure is Cure.NONE), None)
        if helpless is not None:
            known = (
                "; --have tells what it has already"
                if helpless.rule.code == "missing-layer"
                else ""
            )
            why = f"the engine {helpless.rule.says}{known}"
            raise _NoWayError(f"repack does not repair this: {why}")
        worst = next((each for each in errors if each.code not in REPAIRABLE), None)
        if worst is not None:
            raise _NoWayError(f"the source is damaged: {worst} (layout verify tells more)")
        if not any(any(images(root.node)) for root in source.roots):
            raise _NoWayError("there is no image inside")

    def _choices(self, target: Target) -> Iterator[tuple[list[str], bool]]:
        """What may be taken: images, and whether without what is attached; the most first."""
        roots = self._facts.source.roots
        held = [root for root in roots if any(images(root.node))]
        taken = list(self._chosen) or _one_image(roots, held, target)
        yield taken, False
        if not taken and len(held) < len(roots) and len(held) <= _MOST:
            taken = [_called(root) for root in held]
            yield taken, False
        yield taken, True
        if not taken and held and target.name in _ONE_AT_A_TIME:
            # What they cannot tell apart in what would be written: an image of several names.
            yield [_called(held[0])], False

    def _way(
        self, target: Target, remarks: Sequence[Remark], taken: list[str], *, drop: bool
    ) -> _Way:
        """The line for what is taken."""
        facts = self._facts
        roots = [root for root in facts.source.roots if any(images(root.node))]
        form, docker, flags = _form(target)
        if taken:
            wanted = Choice(images=tuple(taken))
            roots = [
                root
                for root in select(facts.source.roots, wanted, Findings())
                if any(images(root.node))
            ]
        one = docker or target.variant == "docker-archive"
        platforms = [self._platform] if one and _ambiguous(roots) else []
        if platforms:
            roots = _of_platform(roots, self._platform)
        obstacle = _obstacle(roots, target, self._platform)
        if obstacle:
            raise _NoWayError(obstacle)
        names = _names(facts, roots, docker=docker) if target.name not in CALLER_NAMES else []
        errors = _errors(facts, self._chosen)
        repaired = bool(errors) or any(each.rule.cure is Cure.REPAIR for each in remarks)
        legacy = "--legacy" in flags
        words = ["layout", "repack", facts.named, "--to", _to(target), *flags]
        words += ["--repair"] if repaired else []
        words += ["--attestations", "drop"] if drop else []
        texts = [str(each) for each in platforms]
        for option, values in (("--image", taken), ("--platform", texts), ("--name", names)):
            words += [word for value in values for word in (option, value)]
        request = Repack(
            to=Format(_to(target)),
            compression=Compress.parse("none" if legacy else "auto"),
            attestations=Attestations.DROP if drop else Attestations.KEEP,
            images=taken,
            platforms=platforms,
            names=names,
            legacy=legacy,
            repair=repaired,
        )
        path = f"{_stem(facts.path)}-{'legacy' if legacy else _to(target)}{form}"
        view = form == ".tar"
        plain = facts.archive and facts.outer is _RAW and not facts.source.folder
        same = plain and facts.source.kind is kinds.HYBRID
        asked = docker or any((taken, platforms, names, flags, repaired, drop))
        if same and not asked and _unchanged(facts.source, Options.of(request, docker_view=view)):
            # What would be written is what is there.
            why = f": the engine {remarks[0].rule.says}" if remarks else ""
            raise _NoWayError(f"repack does not repair this{why}")
        return _Way(words=tuple(words), request=request, path=path, docker_view=view)

    def _speaks_against(
        self, way: _Way, target: Target, remarks: Sequence[Remark], *, loads: bool
    ) -> str:
        """Why the result of a line is no better; empty where it is."""
        result = self._result(way)
        if isinstance(result, str):
            return result
        reading, _ = predict(result, target, self._platform)
        if reading.reasons:
            first = reading.reasons[0].message
            return f"what repack would write does not load either: {first}"
        if loads and len(curable(target, reading.losses)) >= len(remarks):
            return "what repack would write loses as much"
        return ""

    def _result(self, way: _Way) -> Facts | str:
        """What a line would write, or why it would write nothing."""
        known = self._results.get(way.line)
        if known is None:
            known = self._foreseen(way)
            while len(self._results) >= _KEPT:
                self._results.pop(next(iter(self._results)))
            self._results[way.line] = known
        return known

    def _foreseen(self, way: _Way) -> Facts | str:
        flat = way.request.to is Format.DIR
        archive = way.path.endswith(".tar")
        options = Options.of(way.request, docker_view=way.docker_view)
        try:
            plan = make_plan([self._facts.source], options, FailFast())
            if flat and len(plan.roots) != 1:
                return "a dir: directory holds one image"
            if _document_bytes(plan.roots) > _DOCUMENT_BYTES:
                return "its documents are too large to tell what repack would make of them"
            result, names = foresee(plan, way.path, archive=archive, flat=flat)
            layers = self._facts.layers
            return gather(result, way.path, None if layers is None else layers.of_names(names))
        except LayoutError as error:
            return f"repack refuses: {error}"


def _document_bytes(roots: Sequence[Root]) -> int:
    """Bytes of the documents of some roots."""
    total = 0
    for _, node in every(roots):
        total += node.descriptor.size if node.descriptor is not None else 0
        total += node.config.size if isinstance(node, Image) else 0
    return total


def _called(root: Root) -> str:
    """What --image takes for a root: a name, or the digest of its first image."""
    if root.names:
        return str(root.names[0])
    if root.node.descriptor is not None:
        return str(root.node.descriptor.digest)
    return str(next(images(root.node)).config.digest)


def _errors(facts: Facts, chosen: tuple[str, ...]) -> list[Finding]:
    """What is wrong with the source, or with what was chosen of it."""
    errors = facts.source.findings.errors
    if not chosen:
        return errors
    roots = select(facts.source.roots, Choice(images=chosen), Findings())
    return list(filter(Scope(facts.source.contents, roots).holds, errors))


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
    return [_called(roots[0])]


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
            if any(layer.opaque for layer in image.layers) and _unpacks(target):
                return f"{root.label} has layers of a type that is no tar's, which repack keeps"
            if any(layer.descriptor and layer.descriptor.urls for layer in image.layers):
                return f"{root.label} has layers that are to be fetched from elsewhere"
            stored = [image.config.digest] + [layer.digest for layer in image.layers]
            if not classic and any(each and each.algorithm != "sha256" for each in stored):
                return f"{root.label} has sha512 digests, which repack keeps"
    return ""


def _unpacks(target: Target) -> bool:
    """Whether a target needs to know what is in a layer."""
    return target.name not in CALLER_NAMES or target.variant == "docker-archive"


def _names(facts: Facts, roots: Sequence[Root], *, docker: bool) -> list[str]:
    """Values of ``--name`` for what has no whole name; an image ID is one to containerd alone."""
    bare = [
        name.text
        for root in roots
        for name in root.names
        if name.reference is None and not name.is_digest
    ]
    nameless = [
        root
        for root in roots
        if not root.names or (docker and all(name.is_digest for name in root.names))
    ]
    if len(roots) == 1 and (nameless or bare == [name.text for name in roots[0].names]):
        tag = bare[0] if bare else ""
        return [_guess(facts.path, tag)]
    named = [f"{text}={_guess(facts.path, text)}" for text in bare]
    for root in nameless:
        digest = _called(root)
        named.append(f"{digest}={_guess(facts.path, digest.rpartition(':')[2][:12])}")
    return named


def _guess(path: str, tag: str) -> str:
    """A name after the file: the caller will know a better one."""
    repository = re.sub(r"[^a-z0-9]+", "-", _stem(path).lower()).strip("-") or "image"
    valid = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag)
    return f"{repository}:{tag if valid else 'latest'}"


def _ambiguous(roots: Sequence[Root]) -> bool:
    """Whether Docker must be told which platform of a name to take."""
    return any(None in of_names(root).values() for root in roots)


def _of_platform(roots: Sequence[Root], platform: Platform) -> list[Root]:
    """What a choice of platform leaves of some roots."""
    try:
        left = select(roots, Choice(platforms=(platform,)), Findings())
    except SelectionError as error:
        raise _NoWayError(str(error)) from error
    return [root for root in left if any(images(root.node))]


def _unchanged(source: Source, options: Options) -> bool:
    """Whether repack would write the manifests that are there."""
    try:
        plan = make_plan([source], options, FailFast())
    except LayoutError:
        return True
    if plan.unknown:
        return False
    written = plan.documents({})
    tops = [(root.node.descriptor, made.digest) for root, made in written.top]
    return all(image.manifest_before == image.manifest_after for image in written.images) and all(
        old is not None and old.digest == new for old, new in tops
    )
