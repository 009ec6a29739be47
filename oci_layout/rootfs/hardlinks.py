"""Hard links whose files have not come yet: those of a layer below, or gone from what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.streams.layerfiles import LayerFile


@attrs.frozen(kw_only=True, eq=False)
class Waiting:
    """A hard link that waits for its file.

    Args:
        path: of the link.
        target: what it is a link to.
        level: the layer, from 1 on, that the target is looked for in, and below.
        order: of the file in that layer which says so: what comes after it there is not meant.
        number: of the layer that has the link, from 0.
        file: the link.
    """

    path: str
    target: str
    level: int
    order: int
    number: int
    file: LayerFile


@attrs.frozen(kw_only=True, eq=False)
class Origin:
    """What a hard link is a link to, as that was when the link was made.

    Args:
        path: of the file.
        come: whether it has come, under this path.
        order: of the link in its layer: what comes after it there is not meant.
    """

    path: str
    come: bool
    order: int


class Hardlinks:
    """All that wait."""

    def __init__(self) -> None:
        self._by_target: dict[str, list[Waiting]] = {}
        self._by_path: dict[str, Waiting] = {}
        self._aliases: dict[str, Origin] = {}
        self._fresh: list[Waiting] = []

    def begin(self) -> None:
        """A layer begins: what was said of the one before is no longer needed."""
        self._aliases.clear()
        self._fresh.clear()

    def wait(self, link: Waiting) -> None:
        """Keep a link.

        Raises:
            DamagedError: there are far more of them than images have.
        """
        if len(self._by_path) >= limits.WAITING_LINKS:
            raise self._too_many()
        self._by_path[link.path] = link
        self._by_target.setdefault(link.target, []).append(link)
        self._fresh.append(link)

    @staticmethod
    def _too_many() -> DamagedError:
        return DamagedError(
            what=f"more than {limits.WAITING_LINKS} hard links to files of other layers",
            code="too-many-members",
        )

    def cancel(self, path: str) -> None:
        """Something else has the path of a link, in the same layer and after it."""
        self._by_path.pop(path, None)

    def alias(self, path: str, origin: Origin) -> None:
        """A file of this layer that is not shown: links to it mean another.

        Args:
            path: of it.
            origin: what it is a link to, or what has been shown in its place.

        Raises:
            DamagedError: there are far more of them than images have.
        """
        if len(self._aliases) >= limits.WAITING_LINKS:
            raise self._too_many()
        self._aliases[path] = origin

    def origin(self, target: str, number: int) -> Origin | None:
        """What a file of this layer is a link to itself; None where it is none, or has come.

        Args:
            target: as the layer has it.
            number: of the layer: what a layer above has there is not meant.
        """
        found = self._aliases.get(target)
        if found is not None:
            return found
        waiting = self._by_path.get(target)
        if waiting is None or waiting.number != number:
            return None
        return Origin(path=waiting.target, come=False, order=waiting.order)

    def fresh(self) -> list[Waiting]:
        """Those that were put down in this layer, and wait still."""
        return [each for each in self._fresh if self._by_path.get(each.path) is each]

    def above(self, target: str, level: int) -> list[Waiting]:
        """Take those that wait for a file of a lower layer, and this is it."""
        return self._taken(target, lambda each: each.level > level) if self._by_target else []

    def earlier(self, target: str, level: int, order: int) -> list[Waiting]:
        """Take those that wait for a file of this very layer, and this is it."""
        return self._taken(target, lambda each: each.level == level and each.order > order)

    def _taken(self, target: str, meant: Callable[[Waiting], bool]) -> list[Waiting]:
        every = self._by_target.pop(target, None)
        if every is None:
            return []
        every = [each for each in every if self._by_path.get(each.path) is each]
        taken = [each for each in every if meant(each)]
        kept = [each for each in every if not meant(each)]
        if kept:
            self._by_target[target] = kept
        for each in taken:
            del self._by_path[each.path]
        return taken

    def all(self) -> Iterator[Waiting]:
        """What waits still."""
        yield from self._by_path.values()
