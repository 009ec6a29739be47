"""A draft: written under another name beside its place, made durable, and renamed, or removed."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from types import TracebackType

import attrs

from oci_layout import temporary
from oci_layout.disk import names
from oci_layout.disk.folder import EXCHANGE, NOREPLACE, Folder, identity, mark
from oci_layout.disk.lock import locked, try_lock
from oci_layout.disk.place import Place, PlaceKind, failed, tidy, unmade
from oci_layout.errors import DestinationError, LayoutError
from oci_layout.where import Where

_CLAIMS = 100  # temporary names tried: each may be cleaned up by another run before it is locked
_BACK = 3  # times that giving a name back is tried


class AppearedError(DestinationError):
    """Something is there that was not there before the work."""


Unfit = Callable[[Folder], str | None]


class Draft:
    """A file or folder that appears at its place whole, or not at all. A context manager.

    What the system refuses meanwhile comes out as a ``DestinationError`` of the place.

    Args:
        place: as it was looked at before the work.
        directory: whether a folder is made.
        replace: whether it may take the place of what was seen; of nothing else, ever.
        unfit: why a folder that is there must not be replaced; None where it may.
        tree: whether files of any name and kind are put into the folder.
    """

    def __init__(
        self,
        place: Place,
        *,
        directory: bool,
        replace: bool,
        unfit: Unfit | None = None,
        tree: bool = False,
    ) -> None:
        self.place, self._directory, self._replace = place, directory, replace
        self._tree = tree
        self._unfit = unfit or (lambda _: None)
        self.name = ""
        self._held: Folder | None = None
        self._parent: Folder | None = None

    def __enter__(self) -> Draft:
        where = self.place.parent.path
        try:
            tidy(self.place, tree=self._tree)
            self._parent = self.place.parent.again()  # to clean up, though the place is let go of
            claimed = any(self._claim() for _ in range(_CLAIMS))
        except OSError as error:
            self._discard()
            raise unmade(error, self.place.path, where) from error
        except BaseException:  # a signal comes between any two steps
            self._discard()
            raise
        if not claimed:
            raise DestinationError(
                what=f"files that are made in {where} do not stay",
                where=Where(file=self.place.path),
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, LayoutError) and self.name:
            # The place is what the user knows, not a name of ours.
            ours = os.path.join(self.place.parent.path, self.name)
            file = error.where.file.replace(ours, self.place.path)
            error.where = attrs.evolve(error.where, file=file)
        self._discard()
        if isinstance(error, OSError):
            raise failed(error, self.place.path) from error

    def _claim(self) -> bool:
        """Make the temporary name and lock it; False where another run cleaned it up between."""
        parent = self.place.parent
        self.name = names.temporary(self.place.begin)
        temporary.register(self, self._discard)
        try:
            if self._directory:
                os.mkdir(self.name, 0o700 if self._old else 0o755, dir_fd=parent.fd)
                self._held = parent.enter(self.name)
            else:
                mode = 0o600 if self._old else 0o644
                self._held = Folder(parent.create(self.name, mode), self.name)
        except FileNotFoundError:
            if not self._directory:  # it was never made: no such place
                raise
        if self._held is not None:
            with contextlib.suppress(FileNotFoundError):
                taken = try_lock(self._held.fd)
                there = parent.status(self.name)
                if taken and there is not None and identity(there) == self._held.identity:
                    return True
        self._release()
        return False

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
        self.name = ""
        temporary.forget(self)

    def _discard(self) -> None:
        """Remove what has the temporary name: ours, or what it took the place of."""
        if self.name and self._parent is not None:
            self._parent.discard(self.name, tree=self._tree)
        self._release()
        if self._parent is not None:
            self._parent.close()

    @property
    def _old(self) -> os.stat_result | None:
        """What is to be replaced by its like; whoever cannot read that cannot read the new one."""
        kinds = (PlaceKind.EMPTY, PlaceKind.FOLDER) if self._directory else (PlaceKind.FILE,)
        return self.place.status if self.place.kind in kinds else None

    def _keep_access(self) -> None:
        """Give it the owner and the mode of what it replaces."""
        old, new = self._old, os.fstat(self.fd)
        if old is None:
            return
        with contextlib.suppress(PermissionError):
            if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
                os.fchown(self.fd, old.st_uid, old.st_gid)
        with contextlib.suppress(PermissionError):
            os.fchmod(self.fd, stat.S_IMODE(old.st_mode) & (0o7777 if self._directory else 0o777))

    @property
    def fd(self) -> int:
        """The file's descriptor."""
        return self.folder.fd

    @property
    def folder(self) -> Folder:
        """The folder, to write into."""
        if self._held is None:
            raise AssertionError("nothing is open")
        return self._held

    def appear(self) -> None:
        """Make it durable and let it appear.

        Raises:
            DestinationError: something else is there than before the work.
            OSError: the disk refused.
        """
        self._keep_access()
        if self._tree:
            self.folder.sync_file_system()  # to open a device would do something
        elif self._directory:
            self.folder.sync_all()
        else:
            os.fsync(self.fd)
        self._take_place()
        self._discard()
        self.place.parent.sync()

    def _take_place(self) -> None:
        place, parent = self.place, self.place.parent
        there = parent.status(place.name)
        if there is None:  # nothing is lost, whatever was there
            self._take_free_place()
            return
        if place.kind is PlaceKind.ABSENT:
            raise self._appeared()
        if not self._as_seen(there):
            raise self._changed()
        if place.kind is PlaceKind.EMPTY:
            with temporary.undivided():
                parent.rename(self.name, place.name)  # the kernel refuses one with anything in it
                temporary.forget(self)
                self.name = ""
        elif not self._replace:
            raise self._appeared()
        elif self._directory:
            with locked(parent, place.name, place.path) as old:
                if old.identity != place.identity:
                    raise self._changed()
                self._require_same(old)
                self._exchange(old)
                self._discard_old()
        else:
            self._exchange(None)

    def _take_free_place(self) -> None:
        place, parent = self.place, self.place.parent
        try:
            with temporary.undivided():
                if not parent.rename_as(self.name, place.name, NOREPLACE):
                    if self._directory:
                        if parent.status(place.name) is not None:
                            raise FileExistsError
                        parent.rename(self.name, place.name)
                    else:
                        self._link()
                temporary.forget(self)
                self.name = ""
        except (FileExistsError, NotADirectoryError) as error:
            raise self._appeared() from error

    def _link(self) -> None:
        """Give a file its name where the kernel cannot rename without replacing."""
        place, parent = self.place, self.place.parent
        try:
            os.link(self.name, place.name, src_dir_fd=parent.fd, dst_dir_fd=parent.fd)
            parent.unlink(self.name)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if parent.status(place.name) is not None:
                raise FileExistsError from None
            parent.rename(self.name, place.name)

    def _exchange(self, old: Folder | None) -> None:
        """Change places with what was seen, and look at what came back.

        Args:
            old: the folder that is replaced, locked; None for a file.
        """
        place, parent = self.place, self.place.parent
        with temporary.undivided():
            if parent.rename_as(self.name, place.name, EXCHANGE):
                try:
                    self._require_came_back(self.name, old)
                except BaseException:
                    self._exchange_back()
                    raise
            elif old is None:
                parent.rename(self.name, place.name)
                temporary.forget(self)
                self.name = ""
            else:
                self._exchange_in_two(old)

    def _exchange_in_two(self, old: Folder) -> None:
        place, parent = self.place, self.place.parent
        aside = names.old_of(self.name)
        parent.rename(place.name, aside)
        try:
            self._require_came_back(aside, old)
            parent.rename(self.name, place.name)
        except BaseException:
            for _ in range(_BACK):
                with contextlib.suppress(OSError):
                    if not parent.rename_as(aside, place.name, NOREPLACE):
                        parent.rename(aside, place.name)
                    break
            raise
        self.name = aside

    def _require_came_back(self, name: str, old: Folder | None) -> None:
        there = self.place.parent.status(name)
        if there is None or not self._as_seen(there):
            raise self._changed()
        if old is not None:
            self._require_same(old)

    def _exchange_back(self) -> None:
        place, parent = self.place, self.place.parent
        for _ in range(_BACK):
            with contextlib.suppress(OSError):
                parent.rename_as(self.name, place.name, EXCHANGE)
                return
        # It is not ours, and must not look like it.
        kept = f"{place.name[:100]}.kept-{secrets.token_hex(4)}"
        with contextlib.suppress(OSError):
            parent.rename(self.name, kept)
        temporary.forget(self)
        self.name = ""

    def _discard_old(self) -> None:
        """Remove what was replaced while its lock is held."""
        if self.name:
            self.place.parent.discard(self.name)

    def _as_seen(self, there: os.stat_result) -> bool:
        seen = self.place.status
        if seen is None or stat.S_IFMT(seen.st_mode) != stat.S_IFMT(there.st_mode):
            return False
        if stat.S_ISREG(there.st_mode):
            return mark("", seen) == mark("", there)
        return identity(seen) == identity(there)

    def _require_same(self, old: Folder) -> None:
        """Refuse a folder that somebody has put something into since it was seen."""
        reason = self._unfit(old)
        if reason is not None:
            raise DestinationError(
                what=f"has changed meanwhile ({reason}), and is not replaced",
                where=Where(file=self.place.path),
            )
        if old.marks() != self.place.inside:
            raise self._changed()

    def _appeared(self) -> AppearedError:
        hint = "--force replaces it" if not self._replace else "look at it, and try again"
        return AppearedError(
            what="has appeared meanwhile", where=Where(file=self.place.path), hint=hint
        )

    def _changed(self) -> DestinationError:
        return DestinationError(
            what="is not what was there before the work, and is not replaced",
            where=Where(file=self.place.path),
            hint="look at it, and try again",
        )
