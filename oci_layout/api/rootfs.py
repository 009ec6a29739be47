"""The file system of an image: a source, the merged tree and where it goes joined."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import attrs

from oci_layout.api.bases import open_asked
from oci_layout.api.words import Progress, choice_of, chosen_at, made
from oci_layout.api.work import Work
from oci_layout.disk.outputs import STANDARD_STREAM, Outputs
from oci_layout.errors import DestinationError, SelectionError, damage_in
from oci_layout.filediff.filelist import FileList, ImageFile
from oci_layout.filediff.pairing import FileChange, changed
from oci_layout.graph.selection import only_image
from oci_layout.option import path_text
from oci_layout.rootfs.exporting import Target, export_to
from oci_layout.rootfs.finding import Reached, reach
from oci_layout.rootfs.layers import LayerTar, bytes_of, layer_tars
from oci_layout.rootfs.listing import fill, fits, listed
from oci_layout.rootfs.merge import merged
from oci_layout.rootfs.paths import ROOT, base_of, parent_of
from oci_layout.rootfs.report import ExportReport
from oci_layout.rootfs.request import Cat, Export, Files, OfOneImage
from oci_layout.rootfs.tarout import write_tar
from oci_layout.source.opening import files_of
from oci_layout.source.spool import write_all
from oci_layout.source.transports import file_and_folder, located
from oci_layout.streams.layerfiles import FileType
from oci_layout.where import Where


class Out(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> object:
        """Take some."""
        ...


@attrs.frozen(kw_only=True)
class _Opened:
    """An image that is looked into.

    Args:
        source: as the user called it.
        image: its name, or a digest.
        platform: of the image.
        layers: base first, up to the one that was asked for.
        all_layers: base first.
    """

    source: str
    image: str
    platform: str
    layers: tuple[LayerTar, ...]
    all_layers: tuple[LayerTar, ...]

    @property
    def where(self) -> Where:
        """The image, for messages."""
        return Where(file=self.source, image=self.image)

    def up_to(self, number: int) -> tuple[LayerTar, ...]:
        """The layers up to one.

        Raises:
            SelectionError: there is no such layer.
        """
        if number >= len(self.all_layers):
            raise SelectionError(
                what=f"there is no layer {number}",
                where=self.where,
                hint=f"the last of its layers is {len(self.all_layers) - 1}, the base 0",
            )
        return self.all_layers[: number + 1]


@contextmanager
def _opened(
    source: str | os.PathLike[str], asked: OfOneImage, progress: Progress | None
) -> Iterator[_Opened]:
    """Open a source, and the one image in it that is meant.

    Raises:
        SelectionError: there is no such image, or more than one.
    """
    path, asked = chosen_at(source, asked)
    choice = choice_of(asked)
    with ExitStack() as stack:
        opened = open_asked(path, asked, stack, progress, lone=True, limit=asked.limit)
        stack.enter_context(damage_in(opened.label))
        errors = opened.findings.errors
        if not opened.roots and errors:
            raise errors[0].error()
        root, image = only_image(opened.roots, choice)
        work = Work.of(jobs=None, limit=asked.limit, progress=progress)
        pool = stack.enter_context(work.pool())
        layers = layer_tars(image, root.label, opened.label, pool)
        found = _Opened(
            source=opened.label,
            image=root.label,
            platform=str(image.platform),
            layers=layers,
            all_layers=layers,
        )
        if asked.layer is not None:
            found = attrs.evolve(found, layers=found.up_to(asked.layer))
        yield found


def _start(progress: Progress | None, *every: tuple[LayerTar, ...]) -> None:
    if progress is not None:
        progress.start(sum(bytes_of(layers) for layers in every))


def files(
    source: str | os.PathLike[str],
    path: str = "/",
    request: Files | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Iterator[ImageFile]:
    """The files of an image, as a container would see them, in the order of their paths.

    Args:
        source: a path, or ``-`` for standard input.
        path: in the image: a folder with all that is in it, or a file.
        request: what is asked for; or else its fields as keywords, see ``Files``.
        progress: told how far the reading of layers is.
        options: the fields of ``Files``.

    Raises:
        LayoutError: while iterating: a ``SelectionError`` where there is no such image or file, or
            more than one image; a ``DamagedError`` where a layer cannot be read.
    """
    asked = made(Files, request, options)
    with _opened(source, asked, progress) as opened:
        under, layers = ROOT, opened.layers
        if path.strip("/"):
            reached = reach(layers, path, opened.where, last=path.endswith("/"))
            under = reached.path
        _start(progress, layers)
        found = merged(layers, under=under)
        yield from listed(found, asked.tmp, wanted=fits(asked.find))


def changes(
    source: str | os.PathLike[str],
    a: int,
    b: int,
    request: Files | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Iterator[FileChange]:
    """The files that differ between the states after two layers of an image.

    Args:
        source: a path, or ``-`` for standard input.
        a: number of a layer, the base 0.
        b: of another.
        request: what is asked for; or else its fields as keywords, see ``Files``.
        progress: told how far the reading of layers is.
        options: the fields of ``Files``.

    Raises:
        LayoutError: while iterating, as ``files``.
    """
    asked = made(Files, request, options)
    with _opened(source, asked, progress) as opened:
        before, after = opened.up_to(a), opened.up_to(b)
        _start(progress, before, after)
        wanted = fits(asked.find)
        with FileList(asked.tmp) as left, FileList(asked.tmp) as right:
            for state, layers in ((left, before), (right, after)):
                fill(state, merged(layers), contents=True)
            found = changed(left.as_files(), right.as_files())
            yield from (each for each in found if wanted(each.path))


def cat(
    source: str | os.PathLike[str],
    path: str,
    out: Out,
    request: Cat | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Write the bytes of one file of an image, or a folder as a tar.

    Links are followed inside of the image. No more is read than it takes, so no digest is checked.

    Args:
        source: a path, or ``-`` for standard input.
        path: in the image.
        out: takes the bytes.
        request: what is asked for; or else its fields as keywords, see ``Cat``.
        progress: told how far the reading is.
        options: the fields of ``Cat``.

    Raises:
        SelectionError: there is no such image, or more than one; no such file, or it has no bytes.
        DamagedError: a layer cannot be read.
    """
    asked = made(Cat, request, options)
    with _opened(source, asked, progress) as opened:
        reached = reach(opened.layers, path, opened.where)
        if reached.type is FileType.DIRECTORY:
            found = merged(reached.layers, under=reached.path, check=False)
            write_tar(found, out.write, _below(reached.path))
            return
        if reached.type is not FileType.FILE:
            raise SelectionError(
                what=f"{path!r} is a {reached.type.value}, and has no bytes", where=opened.where
            )
        _write_file(reached, out)


def _write_file(reached: Reached, out: Out) -> None:
    """Write one file; of several of one path the last one counts."""
    left = reached.repeats
    for found in merged(reached.layers, under=reached.path, check=False):
        left -= 1
        if left:
            continue
        for piece in found.pieces():
            for data in (piece,) if isinstance(piece, bytes) else _zeros(piece):
                out.write(data)
        return


def _zeros(size: int) -> Iterator[bytes]:
    hole = bytes(min(size, 1 << 16))
    while size:
        yield hole[:size]
        size -= min(size, len(hole))


def _below(path: str) -> Callable[[str], str]:
    """Names as ``docker cp`` gives them: they begin with that of the folder."""
    if path == ROOT:
        return str
    cut = len(path) - len(base_of(path)) if parent_of(path) != ROOT else 0
    return lambda name: name[cut:]


def export(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str],
    request: Export | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> ExportReport:
    """Write the file system that a fresh container of an image would have.

    Args:
        source: a path, or ``-`` for standard input.
        dest: ``x.tar`` for a tar (``.tar.gz``, ``.tar.zst`` for a packed one), ``-`` for one on
            standard output, anything else for a directory.
        request: what is asked for; or else its fields as keywords, see ``Export``.
        progress: told how far the reading of layers is.
        options: the fields of ``Export``.

    Raises:
        SelectionError: there is no such image, or more than one.
        DamagedError: a layer cannot be read, or is not what the config says; nothing appears then.
        DestinationError: the destination exists, or cannot be written.
    """
    asked = made(Export, request, options)
    target = Target.parse(path_text(dest), devices=asked.devices, force=asked.force)
    read = file_and_folder(located(path_text(source)).path)[0]
    with Outputs(*files_of(read)) as outputs:
        place = target.look(outputs)
        with _opened(source, asked, progress) as opened:
            _start(progress, opened.layers)
            report = ExportReport(
                source=opened.source,
                image=opened.image,
                platform=opened.platform,
                output=target.path,
                form=target.form,
                files=0,
            )
            if target.path == STANDARD_STREAM:
                return export_to(merged(opened.layers), target, _standard_output, report, asked.tmp)
            return export_to(merged(opened.layers), target, place, report, asked.tmp)


def _standard_output(data: bytes) -> None:
    try:
        write_all(1, data)
    except BrokenPipeError as error:
        raise DestinationError(
            what="the reader of standard output went away", where=Where(file="standard output")
        ) from error
    except OSError as error:
        raise DestinationError(
            what=error.strerror or str(error), where=Where(file="standard output")
        ) from error
