"""Rules for names: ``NEW``, ``OLD=NEW``, ``PREFIX/=PREFIX/``, each with ``+`` to add a name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import attrs

from oci_layout.digest import QuotedDigest
from oci_layout.errors import UsageError
from oci_layout.reference import ImageName, InvalidReferenceError, Reference
from oci_layout.streams.wholefile import whole_file
from oci_layout.where import Where

_BELOW = "x/x"  # two components, so that nobody puts "library/" before them


@attrs.frozen(kw_only=True)
class Rule:
    """One rule.

    Args:
        old: the name, digest or prefix that it is for, as written; empty for the only image.
        new: the name that it gives; None where it gives a prefix.
        prefix: in full; empty where it is for one image.
        into: what takes the place of the prefix, in full.
        adds: whether the old name stays.
    """

    old: str
    new: ImageName | None = None
    prefix: str = ""
    into: str = ""
    adds: bool = False

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read one value of ``--name``.

        Raises:
            UsageError: it is no rule.
        """
        old, equals, new = text.rpartition("=")
        adds, new = new.startswith("+"), new.removeprefix("+")
        if equals and not old:
            raise UsageError(what=f"{text!r} says no old name", hint="OLD=NEW, or NEW alone")
        if old.endswith("/") or (new.endswith("/") and old):
            return cls(old=old, prefix=_prefix(old), into=_prefix(new), adds=adds)
        try:
            if ":" in old or "/" in old:
                ImageName.from_ref_name(old)
            name = ImageName.familiar(new)
        except InvalidReferenceError as error:
            raise UsageError(what=str(error)) from error
        if name.is_digest:
            raise UsageError(what=f"{new!r} is a digest, not a name")
        return cls(old=old, new=name, adds=adds)

    @property
    def keys(self) -> set[str]:
        """The names that are meant where one image is: as written, and in full."""
        keys = {self.old, ImageName.from_ref_name(self.old).key}
        if QuotedDigest.parse(self.old) is None:
            with contextlib.suppress(InvalidReferenceError):
                keys.add(str(Reference.parse(self.old)))
        return keys

    def below(self, name: ImageName) -> ImageName:
        """What a name that begins with the prefix becomes.

        Args:
            name: which has a reference.

        Raises:
            UsageError: that would be no name.
        """
        text = self.into + str(name.reference).removeprefix(self.prefix)
        try:
            reference = Reference.parse(text, default_tag="")
        except InvalidReferenceError as error:
            raise UsageError(what=f"--name {self}: {error}") from error
        return ImageName(reference.familiar, reference)

    def __str__(self) -> str:
        new = self.into if self.new is None else str(self.new)
        return f"{self.old}{'=' if self.old else ''}{'+' if self.adds else ''}{new}"


def _prefix(text: str) -> str:
    """A prefix in full, as full names begin with it.

    Raises:
        UsageError: it is none.
    """
    if not text.endswith("/"):
        raise UsageError(
            what=f"{text!r} does not end with '/'", hint="a prefix becomes a prefix: OLD/=NEW/"
        )
    try:
        return str(Reference.parse(text + _BELOW, default_tag="")).removesuffix(_BELOW)
    except InvalidReferenceError as error:
        raise UsageError(what=f"{text!r} is not the beginning of a name") from error


@attrs.frozen(kw_only=True)
class Renames:
    """New names for images.

    Args:
        only: for the one image that there is.
        rules: for names, digests and prefixes.
    """

    only: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.only or self.rules)

    @classmethod
    def single(cls, name: ImageName) -> Renames:
        """The one image gets one name."""
        return cls(only=(Rule(old="", new=name),))

    @classmethod
    def parse(cls, texts: Sequence[str], files: Sequence[str] = ()) -> Renames:
        """Read the values of ``--name``, and the files of ``--names``.

        Raises:
            UsageError: a value is no rule, or the forms contradict each other.
            ReadError: a file cannot be read.
        """
        rules = list(dict.fromkeys([*_rules(texts), *_in_files(files)]))
        only = tuple(rule for rule in rules if not rule.old)
        if sum(not rule.adds for rule in only) > 1:
            raise UsageError(
                what="--name NAME may be given once", hint="--name +NAME adds one; or use OLD=NEW"
            )
        if only and len(only) < len(rules):
            raise UsageError(what="--name takes either one NAME or OLD=NEW, not both")
        return cls(only=only, rules=() if only else tuple(rules))


def _rules(texts: Iterable[str]) -> Iterator[Rule]:
    for text in texts:
        try:
            yield Rule.parse(text)
        except UsageError as error:
            raise UsageError(what=f"--name: {error.what}", hint=error.hint) from error


def _in_files(paths: Sequence[str]) -> Iterator[Rule]:
    """One rule a line; empty lines, and those that begin with ``#``, say nothing."""
    for path in paths:
        where = Where(file=path)
        try:
            lines = whole_file("--names", path).decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            what = f"--names: not UTF-8 at byte {error.start}"
            raise UsageError(what=what, where=where) from error
        for number, line in enumerate(map(str.strip, lines), 1):
            if not line or line.startswith("#"):
                continue
            try:
                yield Rule.parse(line)
            except UsageError as error:
                what = f"line {number}: {error.what}"
                raise UsageError(what=what, where=where, hint=error.hint) from error
