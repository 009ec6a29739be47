"""New names for images: the rules of ``--name``, carried out.

A name goes by the rules that name it, else by those of its image's digest, else by those of the
longest prefix that it begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import SelectionError
from oci_layout.graph.nodes import Root
from oci_layout.graph.referrers import is_attached
from oci_layout.graph.selection import describe, digests_of, quoted_digest, what_there_is
from oci_layout.graph.walk import images
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.namerules import Renames, Rule
from oci_layout.reference import ImageName

_TOLD = 4  # rules without effect that one error names


@attrs.frozen(kw_only=True)
class Renamed:
    """Roots under other names.

    Args:
        roots: in the order that they had.
        dropped: names that are gone though no rule named them.
    """

    roots: tuple[Root, ...]
    dropped: tuple[Change, ...] = ()


def renamed(
    roots: tuple[Root, ...],
    renames: Renames,
    meant: Callable[[Root], bool] | None = None,
    *,
    several: bool = False,
    used: set[Rule] | None = None,
) -> Renamed:
    """The roots under the names they are to have.

    Args:
        roots: what was selected.
        renames: what was asked for.
        meant: which roots a rule is for that names none; None for all.
        several: whether that may be several images, which are then told apart by platform.
        used: takes the rules that had something to do, where not all must; None where all must.

    Raises:
        SelectionError: a name that is not there, or is ambiguous.
        UsageError: a prefix that would make what is no name.
    """
    if renames.only:
        if several:
            return _single(roots, renames.only, _is_image, several=True)
        return _single(roots, renames.only, meant or (lambda root: not is_attached(root)))
    if not renames.rules:
        return Renamed(roots=roots)
    renaming = _Renaming(roots, renames.rules)
    result = tuple(renaming.root(root) for root in roots)
    if used is None:
        renaming.require_used()
    else:
        used |= renaming.used
    return Renamed(roots=result, dropped=tuple(renaming.dropped))


def _is_image(root: Root) -> bool:
    return not is_attached(root) and any(images(root.node))


def _single(
    roots: tuple[Root, ...],
    rules: Sequence[Rule],
    meant: Callable[[Root], bool],
    *,
    several: bool = False,
) -> Renamed:
    alone = [root for root in roots if meant(root)] or list(roots)
    if not several and len({frozenset(digests_of(root.node)) for root in alone}) != 1:
        raise SelectionError(
            what=f"--name NAME names a single image, and there are {len(alone)}",
            hint="choose one with --image, or use --name OLD=NEW; there are " + describe(alone),
        )
    new = [rule.new for rule in rules if rule.new is not None]
    keeps = all(rule.adds for rule in rules)
    named = {root: _called(root, [*root.names, *new] if keeps else new) for root in alone}
    gone = [] if keeps else _told([name for root in alone for name in root.names], new)
    # A signature beside it keeps the tag by which it is found.
    return Renamed(roots=tuple(named.get(root, root) for root in roots), dropped=tuple(gone))


class _Renaming:
    """Takes roots through rules, and notes which of those had something to do.

    Args:
        roots: all there are.
        rules: for names, digests and prefixes.
    """

    def __init__(self, roots: tuple[Root, ...], rules: Sequence[Rule]) -> None:
        self._roots, self._rules = roots, rules
        self.used: set[Rule] = set()
        self.dropped: list[Change] = []
        self._exact: dict[str, list[Rule]] = {}
        self._digests: dict[Digest, list[Rule]] = {}
        self._prefixes: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.prefix:
                self._prefixes.setdefault(rule.prefix, []).append(rule)
                continue
            digest = quoted_digest(rule.old, roots)
            if digest is not None:
                self._digests.setdefault(digest, []).append(rule)
                continue
            for key in rule.keys:
                self._exact.setdefault(key, []).append(rule)

    def root(self, root: Root) -> Root:
        """One root under the names it is to have."""
        by_digest = [
            rule
            for digest in sorted(digests_of(root.node))
            for rule in self._digests.get(digest, ())
        ]
        self.used.update(by_digest)
        names: list[ImageName] = []
        gone: list[ImageName] = []
        chosen: dict[str, Digest] = {}
        platforms = dict(root.docker)
        for name in root.names:
            rules = self._exact_of(name)
            below = self._below(name)
            if not rules and any(not rule.adds for rule in by_digest):
                gone.append(name)
                continue
            new = self._new(name, rules or below)
            names += new
            if name.key in platforms:
                chosen.update((each.key, platforms[name.key]) for each in new)
        added = [rule.new for rule in by_digest if rule.new is not None]
        first = dict(root.docker[:1])
        chosen.update((name.key, digest) for name in added for digest in first.values())
        self.dropped += _told(gone, added)
        kept = tuple({name.key: name for name in (*names, *added)}.values())
        return attrs.evolve(root, names=kept, docker=tuple(chosen.items()))

    def _exact_of(self, name: ImageName) -> list[Rule]:
        found = dict.fromkeys((*self._exact.get(name.text, ()), *self._exact.get(name.key, ())))
        self.used.update(found)
        return list(found)

    def _below(self, name: ImageName) -> list[Rule]:
        """The rules of the longest prefix; that shorter ones fit, too, is noted."""
        if not self._prefixes or name.reference is None:
            return []
        whole, longest = str(name.reference), None
        end = len(whole)
        while (end := whole.rfind("/", 0, end)) >= 0:
            rules = self._prefixes.get(whole[: end + 1])
            if rules:
                self.used.update(rules)
                longest = longest or rules
        return longest or []

    def _new(self, name: ImageName, rules: Sequence[Rule]) -> list[ImageName]:
        keeps = all(rule.adds for rule in rules)
        new = [rule.new if rule.new is not None else rule.below(name) for rule in rules]
        return [name, *new] if keeps else new

    def require_used(self) -> None:
        """Refuse rules that had nothing to do.

        Raises:
            SelectionError: there are some.
        """
        idle = [rule for rule in self._rules if rule not in self.used]
        if not idle:
            return
        first = idle[0].old
        named = _few([repr(rule.old) for rule in idle])
        what = f"there is no image {named} to rename"
        hint = what_there_is(first, self._roots, "there are")
        if all(rule.prefix for rule in idle):
            what = f"no name begins with {named}"
            hint = f"there are {describe(self._roots)}"
        elif self._begins(first):
            hint = f"--name {first}/=NEW/ is for all below it; {hint}"
        raise SelectionError(what=what, hint=hint)

    def _begins(self, text: str) -> bool:
        """Whether some name begins with a text and a slash."""
        names = (name for root in self._roots for name in root.names)
        return any(each.startswith(f"{text}/") for name in names for each in (str(name), name.key))


def _called(root: Root, names: list[ImageName]) -> Root:
    """The root under these names alone."""
    old = dict(root.docker)
    first = next(iter(old.values()), None)
    every = {name.key: name for name in names}
    chosen = {key: old.get(key, first) for key in every}
    docker = tuple((key, digest) for key, digest in chosen.items() if digest is not None)
    return attrs.evolve(root, names=tuple(every.values()), docker=docker)


def _few(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _TOLD} more" if len(texts) > _TOLD else ""
    return ", ".join(texts[:_TOLD]) + more


def _told(old: Sequence[ImageName], new: Sequence[ImageName]) -> list[Change]:
    """What to say of several names that go together, though no rule named each of them."""
    kept = {name.key for name in new}
    gone = list(dict.fromkeys(str(name) for name in old if name.key not in kept))
    if len(old) < 2 or not gone:
        return []
    named = _few(gone)
    return [Change(ChangeKind.DROPPED, f"the names {named}: --name gives others in their place")]


def require_distinct(roots: Sequence[Root]) -> None:
    """Refuse a name that would stand for two images.

    Raises:
        SelectionError: there is one.
    """
    owner: dict[str, int] = {}
    for number, root in enumerate(roots):
        for name in root.names:
            if name.reference is not None and owner.setdefault(name.key, number) != number:
                raise SelectionError(what=f"{name} would name two different images")
