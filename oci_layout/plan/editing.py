"""Edits of images: which are edited, and what becomes of their documents.

A document is edited as text: values are compared with what they are to be, and only what differs is
written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from oci_layout.blobs.task import member_key
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import TargetError, UsageError
from oci_layout.finding import FailFast, Findings
from oci_layout.graph.nodes import Image, Layer, Root
from oci_layout.graph.walk import images as images_of
from oci_layout.mediatype import Family
from oci_layout.model import configedit, gojson, jsontext
from oci_layout.model.config import Config
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.instant import Instant
from oci_layout.model.jsondiff import ABSENT, Difference, differences, rewritten
from oci_layout.model.manifest import Index
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.edits import Wanted
from oci_layout.platform import Platform
from oci_layout.where import Where, elided

_SHOWN = 160  # characters of a value that a report has


@attrs.frozen(kw_only=True, eq=False)
class Editing:
    """Edits, and the images that they are for.

    Args:
        wanted: the edits.
        images: digests of the manifests of those images; of their configs, where they have none.
        index: the source's ``index.json``, whose text is kept where it can be; None without one.
        late: keys of the members whose files are changed after the latest time.
        attached: digests that what is attached to an edited image may refer to, in all spellings.
    """

    wanted: Wanted
    images: frozenset[Digest]
    index: Index | None = None
    late: frozenset[str] = frozenset()
    attached: frozenset[str] = frozenset()

    def holds(self, image: Image) -> bool:
        """Whether an image is edited: all that has its digest is."""
        return identity(image) in self.images

    def holds_of(self, root: Root) -> bool:
        """Whether a root leads to an image that is edited."""
        return any(self.holds(image) for image in images_of(root.node))

    def clamped(self, image: Image, layer: Layer) -> int | None:
        """The time that no file of a layer is to be after; None where the layer stays."""
        there = layer.there
        if there is None or there.member is None or layer.opaque or not self.holds(image):
            return None
        latest = self.wanted.latest
        late = latest is not None and member_key(there.member) in self.late
        return latest.seconds if latest is not None and late else None

    def passed_over(self, image: Image) -> Iterator[Change]:
        """Layers whose times stay though they were to be edited."""
        if not self.wanted.layers:
            return
        for number, layer in enumerate(image.layers):
            if layer.there is None or layer.opaque:
                why = "is not there" if layer.there is None else "is no tar that can be read"
                what = f"layer {number}: it {why}, and the times in it stay"
                yield Change(ChangeKind.KEPT, what, layer=number)

    def config(
        self, image: Image, raw: bytes, diff_ids: Sequence[Digest | None] | None
    ) -> tuple[bytes, list[Change]]:
        """An image's config with the edits done, and what they came to.

        Args:
            image: whose it is.
            raw: the config.
            diff_ids: of the layers, where some have changed; None where none has.

        Raises:
            UsageError: an edit makes no sense here, or leaves what is no config.
        """
        where = Where(member=image.config_member.name)
        value = jsontext.parse(raw, where, FailFast())
        steps = list(self.wanted.steps)
        if diff_ids is not None:
            steps.append(configedit.diff_ids([str(each) for each in diff_ids]))
        try:
            found = list(differences(value, configedit.edited(value, steps)))
            new = rewritten(raw, found)
        except configedit.UnfitError as error:
            raise UsageError(
                what=f"the config cannot be edited: {error}",
                where=where,
                hint="--patch replaces it",
            ) from error
        if found:
            _require_config(new, raw, where)
        return new, list(_told(found, self.wanted.latest))

    def manifest(self, raw: bytes, family: Family, where: Where) -> tuple[bytes, list[Change]]:
        """A manifest with other annotations, and what is other.

        Args:
            raw: the manifest.
            family: whose it is.
            where: the image, for messages.

        Raises:
            TargetError: it has no place for annotations.
        """
        if not self.wanted.annotations:
            return raw, []
        if family is Family.DOCKER:
            raise TargetError(
                what="--annotation: Docker's manifests hold no annotations",
                where=where,
                hint="layout repack --to oci first",
            )
        value = jsontext.parse(raw, where, FailFast())
        notes: dict[str, Any] = dict(value.get("annotations") or {})
        for key, text in self.wanted.annotations:
            if text is not None:
                notes[key] = text
            elif key == "-":
                notes.clear()
            else:
                notes.pop(key, None)
        after = {key: item for key, item in value.items() if key != "annotations" or notes}
        if notes:
            after["annotations"] = notes
        found = list(differences(value, after))
        return rewritten(raw, found), list(_told(found, None))

    def entry(self, image: Image, descriptor: Descriptor) -> Mapping[str, Any] | None:
        """The platform that an index is to state of an image; None where it stays.

        Args:
            image: that the descriptor leads to.
            descriptor: of the index.
        """
        platform, stated = self.wanted.platform, descriptor.source.get("platform")
        if platform is None or not isinstance(stated, dict) or not self.holds(image):
            return None
        new: dict[str, Any] = {**stated, **_json_of(platform)}
        if not platform.variant:
            new.pop("variant", None)
        if stated.get("os") != platform.os:
            new.pop("os.features", None)
            if not platform.os_version:
                new.pop("os.version", None)
        return None if new == stated else new


NOTHING = Editing(wanted=Wanted(), images=frozenset())  # all stays, in the form that it has


def identity(image: Image) -> Digest:
    """What makes two images one: the manifest's digest; without one, the config's."""
    return image.config.digest if image.descriptor is None else image.descriptor.digest


def _json_of(platform: Platform) -> dict[str, str]:
    found = {"architecture": platform.architecture, "os": platform.os}
    if platform.os_version:
        found["os.version"] = platform.os_version
    if platform.variant:
        found["variant"] = platform.variant
    return found


def _require_config(new: bytes, old: bytes, where: Where) -> None:
    """Refuse an edit that makes an engine refuse the config.

    Raises:
        UsageError: it does.
    """
    findings = Findings()
    read = Config.from_bytes(new, where, findings)
    before = Config.from_bytes(old, where, Findings())
    known = {(each.code, each.where.field) for each in before.problems} if before else set()
    wrong = [*findings.errors, *(read.problems if read is not None else ())]
    fresh = [each for each in wrong if (each.code, each.where.field) not in known]
    lines = (before.history, read.history) if before is not None and read is not None else (0, 0)
    if fresh:
        field = fresh[0].where.field
        what = f"{field + ': ' if field else ''}{fresh[0].message}"
        raise UsageError(what=f"the edit leaves an invalid config: {what}", where=where)
    if lines[0] != lines[1]:
        raise UsageError(what="the edit leaves a history of another number of layers", where=where)


def _told(found: Iterable[Difference], latest: Instant | None) -> Iterator[Change]:
    """Field by field what an edit did; times of history that were clamped on one line."""
    clamped = 0
    layers = []
    for each in found:
        if latest is not None and each.path[0] == "history" and each.new == str(latest):
            clamped += 1
        elif each.path[:-1] == ("rootfs", "diff_ids"):
            layers.append(str(each.path[-1]))
        else:
            text = f"{each.field}: {_shown(each.old)} -> {_shown(each.new)}"
            yield Change(ChangeKind.EDITED, text, field=each.field)
    if layers:
        text = f"rootfs.diff_ids: of layers {', '.join(layers)}, in which times were edited"
        yield Change(ChangeKind.CHANGED, text, field="rootfs.diff_ids")
    if clamped:
        text = f"history: {plural(clamped, 'time')} of creation -> {latest}"
        yield Change(ChangeKind.EDITED, text, field="history")


def _shown(value: Any) -> str:
    return "none" if value is ABSENT else elided(gojson.encode(value), _SHOWN)
