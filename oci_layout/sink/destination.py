"""Destinations: what a name asks for, and the sink that writes it."""

from __future__ import annotations

import os
import re

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.disk.draft import AppearedError
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place, PlaceKind, failed
from oci_layout.errors import TargetError, UsageError
from oci_layout.finding import Findings
from oci_layout.mediatype import Compression, Family
from oci_layout.plan.planning import Plan
from oci_layout.plan.registry import repositories_of, tell_hosts
from oci_layout.plan.request import Format, Writing
from oci_layout.pythons import StrEnum
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.sink.append import append_layout
from oci_layout.sink.archive import write_archive, write_compressed, write_pipe
from oci_layout.sink.dirimage import require_single, write_dir
from oci_layout.sink.inplace import edit_layout
from oci_layout.sink.layoutdir import write_layout
from oci_layout.sink.registrydir import require_registry, write_registry
from oci_layout.sink.volumes import Cutting, list_path, require_volumes, write_volumes
from oci_layout.sink.writable import require_writable
from oci_layout.sink.written import Written
from oci_layout.source.transports import Located
from oci_layout.streams.suffixes import archive_compression
from oci_layout.where import Where

STANDARD_OUTPUT = "-"
_WHO_CANNOT = "ctr images import cannot read a compressed archive"
_OLD_DOCKER = {Compression.ZSTD: ", nor Docker before 23.0 one packed with zstd"}


_FORMATS = {
    "oci": Format.OCI,
    "oci-archive": Format.OCI,
    "docker-archive": Format.DOCKER,
    "dir": Format.DIR,
}
_LIKE_A_FILE = re.compile(r"[^/.]\.[a-z][a-z0-9]{1,7}$", re.IGNORECASE)


class Form(StrEnum):
    """What is written."""

    DIRECTORY = "directory"
    ARCHIVE = "archive"
    PIPE = "archive on standard output"
    DIR = "dir: directory"
    REGISTRY = "registry's storage"


_FOLDERS = {Format.DIR: Form.DIR, Format.REGISTRY: Form.REGISTRY}


@attrs.frozen(kw_only=True)
class Destination:
    """Where the result goes.

    Args:
        path: as the user called it.
        form: what is written there.
        outer: compression of the archive as a whole.
        name: that the one image is to have, where the destination says so.
        told: whether the user said what is written there, or its name alone does.
        volume_size: bytes of a volume, where the archive is cut; None where it is not.
        in_place: whether a layout that is there is edited: what is not edited in it stays.
    """

    path: str
    form: Form
    outer: Compression = Compression.NONE
    name: ImageName | None = None
    told: bool = False
    volume_size: int | None = None
    in_place: bool = False

    @classmethod
    def parse(cls, path: str, target: Format) -> Destination:
        """Tell the form by the name.

        Raises:
            UsageError: an archive's suffix that is not written, or that the target has no use for.
        """
        outer = archive_compression(path)
        pipe = path == STANDARD_OUTPUT
        if (pipe or outer is not None) and target in _FOLDERS:
            what = f"{path}: --to {target} writes a directory"
            raise UsageError(what=what, hint="leave the suffix out")
        if pipe:
            return cls(path=path, form=Form.PIPE)
        if outer is not None:
            return cls(path=path, form=Form.ARCHIVE, outer=outer)
        return cls(path=path, form=_FOLDERS.get(target, Form.DIRECTORY))

    @classmethod
    def nowhere(cls, target: Format) -> Destination:
        """What a dry run without a destination would write."""
        return cls(path="", form=_FOLDERS.get(target, Form.DIRECTORY))

    @classmethod
    def at(cls, where: Located, target: Format) -> Destination:
        """A destination as skopeo names it, or by its name alone.

        Raises:
            UsageError: a transport of another format, or no name of an image; see ``parse``.
        """
        if not where.transport:
            return cls.parse(where.path, target)
        wanted = _FORMATS[where.transport]
        if target is not wanted:
            raise UsageError(
                what=f"{where.transport}: is not what --to {target} writes",
                where=Where(file=where.path),
                hint=f"--to {wanted}, or leave {where.transport}: out",
            )
        if not where.transport.endswith("-archive"):
            found = cls(path=where.path, form=_FOLDERS.get(target, Form.DIRECTORY))
        else:
            found = cls.parse(where.path, target)
            if found.directory:
                found = attrs.evolve(found, form=Form.ARCHIVE)
        return attrs.evolve(found, name=_name(where), told=True)

    def cut(self, size: int | None, *, append: bool) -> Destination:
        """The same, cut into volumes.

        Args:
            size: bytes of a volume; None for a result in one.
            append: whether it is to be added to.

        Raises:
            UsageError: it is none that is cut.
        """
        if size is None:
            return self
        plain = self.form is Form.ARCHIVE and self.outer is Compression.NONE
        if not plain or append or not self.path.lower().endswith(".tar"):
            raise UsageError(
                what="--volume-size cuts an archive that is not compressed", hint="-o x.tar"
            )
        return attrs.evolve(self, volume_size=size)

    @property
    def note(self) -> str:
        """What to say of a directory whose name is like that of a file; empty otherwise."""
        named = not self.told and not self.path.endswith("/")
        if self.form is not Form.DIRECTORY or not named or not _LIKE_A_FILE.search(self.path):
            return ""
        return "a directory, as every name that does not end in .tar"

    @property
    def directory(self) -> bool:
        """Whether a directory is written."""
        return self.form in (Form.DIRECTORY, Form.DIR, Form.REGISTRY)

    @property
    def beside(self) -> str | None:
        """The directory that temporary files go to; None for a pipe, and where none is named."""
        if self.form is Form.PIPE or not self.path:
            return None
        return os.path.dirname(os.path.realpath(self.path))

    @property
    def label(self) -> str:
        """How to call it in a report."""
        if self.volume_size is not None:
            return list_path(self.path)
        return "standard output" if self.form is Form.PIPE else self.path

    def describe(self, family: Family, docker_view: bool) -> str:
        """One line for people."""
        whose = "Docker" if family is Family.DOCKER else "OCI"
        if self.form is Form.REGISTRY:
            return "a registry's storage"
        form = "archive" if self.form is Form.PIPE else str(self.form)
        packed = "" if self.outer is Compression.NONE else f", {self.outer}-compressed"
        return f"{whose} {form}{packed}" + (", with manifest.json" if docker_view else "")


def _name(where: Located) -> ImageName | None:
    """The name that follows the path: a tag alone in a layout, a whole name for Docker."""
    if not where.image:
        return None
    if where.transport != "docker-archive":
        return ImageName.from_ref_name(where.image)
    try:
        return ImageName.familiar(where.image)
    except InvalidReferenceError as error:
        raise UsageError(what=str(error), where=Where(file=where.path)) from error


def look(destination: Destination, asked: Writing, outputs: Outputs) -> Place | None:
    """Look at the destination before any work; None for a pipe.

    Args:
        destination: where the result goes.
        asked: how it is to be written.
        outputs: all that this run reads and writes.

    Raises:
        DestinationError: it exists, or its parent does not.
        UsageError: options that contradict each other, or a name that names nothing.
    """
    if asked.append and asked.force:
        raise UsageError(what="--append and --force contradict each other")
    if asked.append and destination.form not in (Form.DIRECTORY, Form.REGISTRY):
        raise UsageError(what="--append adds to a layout directory or a registry's storage")
    if asked.force and destination.form is Form.REGISTRY:
        raise UsageError(what="--force: a registry's storage is never replaced", hint="--append")
    if destination.form is Form.PIPE:
        return None
    place = outputs.look("--output", destination.label)
    if destination.volume_size is not None:
        require_volumes(destination.path, force=asked.force)
    try:
        if destination.form is Form.REGISTRY:
            require_registry(place, append=asked.append)
            return place
        require_writable(
            place,
            directory=destination.directory,
            force=asked.force and destination.form is not Form.DIR,
            append=asked.append or destination.in_place,
        )
    except OSError as error:
        raise failed(error, destination.path) from error
    return place


def write(
    plan: Plan,
    destination: Destination,
    place: Place | None,
    asked: Writing,
    pool: Pool,
    outputs: Outputs,
) -> Written:
    """Carry a plan out.

    Args:
        plan: what to do.
        destination: where the result goes.
        place: as it was found; None for a pipe.
        asked: how.
        pool: does the work on blobs.
        outputs: all that this run reads and writes.

    Returns:
        The documents, what each task came to, and the bytes written.
    """
    if place is None:
        return write_pipe(plan, 1, tmp=asked.tmp, pool=pool)
    if destination.volume_size is not None:
        how = Cutting(
            path=destination.path,
            size=destination.volume_size,
            place=place,
            outputs=outputs,
            force=asked.force,
            tmp=asked.tmp,
        )
        return write_volumes(plan, how, pool)
    if destination.form is Form.DIR:
        return write_dir(plan, place, pool=pool)
    if destination.form is Form.REGISTRY:
        return write_registry(
            plan, place, append=asked.append, on_conflict=asked.on_conflict, pool=pool
        )
    if destination.in_place:
        return edit_layout(plan, place, pool=pool)
    if destination.form is Form.DIRECTORY:
        if asked.append and place.kind is PlaceKind.FOLDER:
            return append_layout(plan, place, on_conflict=asked.on_conflict, pool=pool)
        try:
            return write_layout(plan, place, force=asked.force, pool=pool)
        except AppearedError:
            if not asked.append:
                raise
        # Another run made the layout meanwhile: ours is added to it.
        return append_layout(plan, place, on_conflict=asked.on_conflict, pool=pool)
    if destination.outer is not Compression.NONE:
        return write_compressed(
            plan,
            place,
            destination.outer,
            force=asked.force,
            tmp=asked.tmp,
            pool=pool,
        )
    return write_archive(plan, place, force=asked.force, tmp=asked.tmp, pool=pool)


def prepare(plan: Plan, destination: Destination, findings: Findings) -> None:
    """Say what the destination cannot hold, and who cannot read it.

    Raises:
        SelectionError: a ``dir:`` holds one image; a registry has one image for a name.
        TargetError: a registry needs a repository for each.
    """
    if destination.outer is not Compression.NONE:
        findings.warning("compressed-archive", _WHO_CANNOT + _OLD_DOCKER.get(destination.outer, ""))
    if destination.form is Form.REGISTRY:
        repositories_of(plan.roots)
        tell_hosts(plan.roots, findings)
    if destination.form is Form.DIR:
        require_single(plan)
        names = [str(name) for root in plan.roots for name in root.names]
        if names:
            findings.warning(
                "names-dropped", f"a dir: directory holds no names: {', '.join(names[:8])}"
            )
    if not plan.roots and destination.form is Form.DIR:
        raise TargetError(what="there is nothing to write")
