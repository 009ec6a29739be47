"""Random images whose layers change each other's files in every way that engines take.

A layer is made knowing what is there, so that nothing in it is refused: no file below a file, no
hard link to nothing. ``model`` is what comes out, told in the simplest way there is: layer by layer
from the base, as somebody would unpack them.
"""

from __future__ import annotations

import io
import posixpath
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace

OPAQUE = ".wh..wh..opq"
_NAMES = ("a", "b", "c", "d", "lib", "x y", "ü")


@dataclass(frozen=True)
class Inode:
    """What a path, or several, lead to."""

    kind: bytes
    mode: int
    uid: int
    mtime: int
    data: bytes = b""
    link: str = ""
    xattr: str = ""
    number: int = 0  # tells hard links from copies


@dataclass
class Layer:
    """One layer that is being made."""

    members: list[tarfile.TarInfo] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)  # files of this layer
    removed: set[str] = field(default_factory=set)

    def tar(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for member, data in zip(self.members, self.contents, strict=True):
                archive.addfile(member, io.BytesIO(data))
        return out.getvalue()


@dataclass(frozen=True)
class Habits:
    """What the writer of an image does.

    Args:
        parents: lists the folders of what it changes, as Docker does.
        far_links: makes hard links to files of layers below.
        again: puts something in the place of what the same layer removes.
    """

    parents: bool = True
    far_links: bool = False
    again: bool = True


class Making:
    """A random image."""

    def __init__(self, seed: int, habits: Habits | None = None) -> None:
        self.chance = random.Random(seed)  # noqa: S311  the same image in every run
        self.habits = habits or Habits()
        self.tree: dict[str, Inode] = {}
        self.layers: list[bytes] = []
        self._count = 0
        self._layer = Layer()
        self._seed = seed

    def image(self, layers: int = 4, steps: int = 14) -> list[bytes]:
        for _ in range(layers):
            self._layer = Layer()
            for _ in range(steps):
                self.chance.choice(self._steps())()
            self.layers.append(self._layer.tar())
        return self.layers

    def _steps(self) -> list[Callable[[], None]]:
        return [
            self._file,
            self._file,
            self._file,
            self._folder,
            self._folder,
            self._symlink,
            self._hardlink,
            self._hardlink,
            self._special,
            self._remove,
            self._remove,
            self._opaque,
            self._over,
            self._over,
            self._touch,
        ]

    # What is put down.

    def _inode(self, kind: bytes, data: bytes = b"", link: str = "") -> Inode:
        self._count += 1
        return Inode(
            kind,
            mode=self.chance.choice([0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777]),
            uid=self.chance.choice([0, 0, 1000, 70000]),
            mtime=1_600_000_000 + self._count,
            data=data,
            link=link,
            xattr=self.chance.choice(["", "", "", f"v{self._count}"])
            if kind in (tarfile.REGTYPE, tarfile.DIRTYPE)
            else "",
            number=self._count,
        )

    def _put(self, path: str, inode: Inode, *, hard: str = "") -> None:
        """One member, after the folders that it is in."""
        if self.habits.parents:
            self._list_parents(path)
        for folder in _above(path):
            if folder not in self.tree:
                self.tree[folder] = Inode(tarfile.DIRTYPE, 0o755, 0, 0)
        if inode.kind != tarfile.DIRTYPE or self._kind(path) != tarfile.DIRTYPE:
            self._drop(path)
        self.tree[path] = inode
        self._add(path, inode, hard)

    def _list_parents(self, path: str) -> None:
        for folder in _above(path):
            if folder not in self._layer.listed:
                there = self.tree.get(folder)
                if there is None or there.kind != tarfile.DIRTYPE:
                    there = self._inode(tarfile.DIRTYPE)
                self.tree[folder] = there
                self._add(folder, there)

    def _add(self, path: str, inode: Inode, hard: str = "") -> None:
        member = tarfile.TarInfo(path + ("/" if inode.kind == tarfile.DIRTYPE else ""))
        member.type = tarfile.LNKTYPE if hard else inode.kind
        member.mode, member.uid, member.gid = inode.mode, inode.uid, inode.uid
        member.mtime, member.linkname = inode.mtime, hard or inode.link
        if inode.kind == tarfile.CHRTYPE:
            member.devmajor, member.devminor = 1, 3
        if inode.xattr and not hard:
            member.pax_headers = {"SCHILY.xattr.user.note": inode.xattr}
        data = inode.data if member.type == tarfile.REGTYPE else b""
        member.size = len(data)
        self._layer.members.append(member)
        self._layer.contents.append(data)
        self._layer.listed.add(path)
        if inode.kind != tarfile.DIRTYPE:
            self._layer.own.add(path)

    def _whiteout(self, path: str) -> None:
        """A member that removes something of the layers below."""
        folder, name = posixpath.split(path)
        if self.habits.parents:
            self._list_parents(path)
        member = tarfile.TarInfo(posixpath.join(folder, f".wh.{name}"))
        member.mode = 0o600
        self._layer.removed.add(path)
        self._layer.members.append(member)
        self._layer.contents.append(b"")

    # What there is.

    def _kind(self, path: str) -> bytes:
        inode = self.tree.get(path)
        return inode.kind if inode is not None else b""

    def _drop(self, path: str) -> None:
        for each in [p for p in self.tree if p == path or p.startswith(f"{path}/")]:
            del self.tree[each]

    def _folders(self) -> list[str]:
        return ["", *(p for p, i in self.tree.items() if i.kind == tarfile.DIRTYPE)]

    def _touched(self, path: str) -> bool:
        """Whether this layer has something at or below a path already."""
        every = self._layer.listed | self._layer.removed
        return any(p == path or p.startswith(f"{path}/") for p in every)

    def _free(self) -> str:
        """A path that nothing is at, in a folder that is there."""
        for _ in range(20):
            path = posixpath.join(self.chance.choice(self._folders()), self._name())
            free = self.habits.again or path not in self._layer.removed
            if free and path not in self.tree and path.count("/") < 5:
                return path
        self._count += 1
        return f"new{self._count}"

    def _name(self) -> str:
        name = self.chance.choice(_NAMES)
        return name * 60 if self.chance.random() < 0.03 else name

    def _some(self) -> str | None:
        """A path of a lower layer that this one has not touched."""
        paths = [p for p in self.tree if not self._touched(p)]
        return self.chance.choice(paths) if paths else None

    # The steps.

    def _bytes(self) -> bytes:
        self._count += 1
        return f"{self._seed}:{self._count}:".encode() * self.chance.choice([0, 1, 1, 100, 9000])

    def _file(self) -> None:
        self._put(self._free(), self._inode(tarfile.REGTYPE, self._bytes()))

    def _folder(self) -> None:
        self._put(self._free(), self._inode(tarfile.DIRTYPE))

    def _symlink(self) -> None:
        target = self.chance.choice(["a", "../b", "/lib", "nowhere/at/all", "../../../../etc"])
        self._put(self._free(), self._inode(tarfile.SYMTYPE, link=target))

    def _special(self) -> None:
        kind = self.chance.choice([tarfile.FIFOTYPE, tarfile.CHRTYPE])
        self._put(self._free(), self._inode(kind))

    def _hardlink(self) -> None:
        files = [p for p, i in self.tree.items() if i.kind == tarfile.REGTYPE]
        if not self.habits.far_links:
            files = [p for p in files if p in self._layer.own]
        if files:
            target = self.chance.choice(files)
            path = self._free()
            self._put(path, self.tree[target], hard=target)

    def _remove(self) -> None:
        path = self._some()
        if path is not None:
            self._whiteout(path)
            self._drop(path)

    def _opaque(self) -> None:
        folders = [f for f in self._folders() if f and not self._touched(f)]
        if not folders:
            return
        folder = self.chance.choice(folders)
        inode = self._inode(tarfile.DIRTYPE)
        self._put(folder, inode)
        self._whiteout(posixpath.join(folder, ".wh..opq"))
        self._drop(folder)
        self.tree[folder] = inode
        if self.chance.random() < 0.7:
            self._put(posixpath.join(folder, "new"), self._inode(tarfile.REGTYPE, self._bytes()))

    def _over(self) -> None:
        """Something else in the place of what is there."""
        path = self._some()
        if path is None:
            return
        kinds = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
        kind = self.chance.choice(kinds)
        if kind == tarfile.LNKTYPE:
            own = [
                p
                for p in self._layer.own
                if self._kind(p) == tarfile.REGTYPE and not p.startswith(f"{path}/")
            ]
            if own:
                target = self.chance.choice(sorted(own))
                self._put(path, self.tree[target], hard=target)
            return
        data = self._bytes() if kind == tarfile.REGTYPE else b""
        self._put(path, self._inode(kind, data, "a" if kind == tarfile.SYMTYPE else ""))

    def _touch(self) -> None:
        """Another mode or owner of a folder that stays."""
        folders = [f for f in self._folders() if f and f not in self._layer.listed]
        if folders:
            folder = self.chance.choice(folders)
            there = self.tree[folder]
            changed = replace(self._inode(tarfile.DIRTYPE), number=there.number)
            self._put(folder, changed)


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
