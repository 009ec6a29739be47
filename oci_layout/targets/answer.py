"""What is said of one target: does it load, what comes out, what is lost, and why."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest, chain_ids
from oci_layout.platform import Platform
from oci_layout.targets.rule import Rule
from oci_layout.targets.rules import RULES
from oci_layout.targets.target import Target


@attrs.frozen(kw_only=True)
class Remark:
    """Something that a rule says of this source.

    Args:
        rule: which.
        message: what it is here, one clause.
    """

    rule: Rule
    message: str


def remark(code: str, message: str) -> Remark:
    """A remark by the code of its rule."""
    return Remark(rule=RULES[code], message=message)


@attrs.frozen(kw_only=True)
class Loaded:
    """An image that comes out of the load.

    Args:
        names: as the engine shows them; empty when it has none.
        image_id: as the engine shows it; None when only reading the layers would tell.
        id_of: what that is a digest of: ``config``, ``manifest``, ``index``; or ``v1``, an id
            that is no digest; ``new`` for a config that the engine makes itself.
        platform: that it runs on; None for several.
    """

    names: tuple[str, ...]
    image_id: Digest | str | None
    id_of: str
    platform: Platform | None


@attrs.define(kw_only=True)
class Prediction:
    """What a reader collects on its way; an engine that stops at an error stops here too.

    Args:
        images: that come out.
        reasons: why it does not load.
        losses: what does not come along.
        notes: what else somebody should know.
        unpacked: chain IDs of what the engine has unpacked so far.
    """

    images: list[Loaded] = attrs.field(factory=list)
    reasons: list[Remark] = attrs.field(factory=list)
    losses: list[Remark] = attrs.field(factory=list)
    notes: list[Remark] = attrs.field(factory=list)
    unpacked: set[Digest] = attrs.field(factory=set)
    _judged: set[object] = attrs.field(factory=set, init=False, repr=False)
    _held: dict[Digest, bool] = attrs.field(factory=dict, init=False, repr=False)

    def first(self, *what: object) -> bool:
        """Whether something is judged for the first time: an image may have many names."""
        new = what not in self._judged
        self._judged.add(what)
        return new

    def unpack(self, diff_ids: Iterable[Digest]) -> list[bool]:
        """Unpack an image; whether each layer was there already, so that its bytes are not read.

        moby image/tarexport/load.go and containerd rootfs/apply.go ask for the chain first.
        """
        chains = list(chain_ids(diff_ids))
        there = [chain in self.unpacked for chain in chains]
        self.unpacked.update(chains)
        return there

    def parted(self, chain: Digest, *, held: bool) -> bool:
        """Whether of the images that share a layer, by its chain, some have it and some lack it."""
        return self._held.setdefault(chain, held) is not held

    def settle_names(self) -> None:
        """Let each name be that of the image which is loaded last under it."""
        lost = self.lose_shared_names()
        for number, each in enumerate(self.images):
            names = tuple(name for name in each.names if (number, name) not in lost)
            self.images[number] = attrs.evolve(each, names=names)

    def lose_shared_names(self) -> set[tuple[int, str]]:
        """Tell of names that two images would have; images by number, and the names they lose."""
        keys = [
            number if each.image_id is None else each.image_id
            for number, each in enumerate(self.images)
        ]
        last = {name: keys[n] for n, each in enumerate(self.images) for name in each.names}
        lost = {
            (number, name)
            for number, each in enumerate(self.images)
            for name in each.names
            if last[name] != keys[number]
        }
        for number, name in sorted(lost):
            label = str(self.images[number].image_id or "an image").rpartition(":")[2][:12]
            self.lose("shared-name", f"{name} goes from {label} to an image that is loaded later")
        return lost

    def fail(self, code: str, message: str) -> Prediction:
        """Say why it does not load."""
        self._once(self.reasons, code, message)
        return self

    def fail_count(self, label: str, layers: int, diff_ids: int) -> None:
        """Say that an image has not as many layers as diff_ids."""
        counted = f"{plural(layers, 'layer')}, {plural(diff_ids, 'diff_id')}"
        self.fail("layer-count", f"{label}: {counted}")

    def lose(self, code: str, message: str) -> None:
        """Say what does not come along."""
        self._once(self.losses, code, message)

    def note(self, code: str, message: str) -> None:
        """Say what else matters."""
        self._once(self.notes, code, message)

    def _once(self, where: list[Remark], code: str, message: str) -> None:
        new = remark(code, message[:_LONGEST])
        if len(where) < _MOST and new not in where:
            where.append(new)


_LONGEST = 500  # characters of a message: names in hostile sources have no end
_MOST = 100  # remarks of one sort; one is enough to know


@attrs.frozen(kw_only=True)
class Answer:
    """What a target makes of a source.

    Args:
        target: who was asked.
        asks: the command that is meant; empty where there is none for such a source.
        basis: how one knows what this version does.
        loads: whether at least one image can be used afterwards, and no error is shown.
        images: that come out; empty when it does not load.
        reasons: why it does not load.
        losses: what does not come along, or not under its name.
        notes: what else somebody should know.
        repair: the command that makes something of the source which this target loads, or loses
            less of; empty when none is needed, or none helps.
        unrepaired: why there is no such command; empty when there is one, or none is needed.
    """

    target: Target
    asks: str
    basis: str
    loads: bool
    images: tuple[Loaded, ...]
    reasons: tuple[Remark, ...]
    losses: tuple[Remark, ...]
    notes: tuple[Remark, ...]
    repair: tuple[str, ...] = ()
    unrepaired: str = ""
