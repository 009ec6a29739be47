"""Opening: what is this, by its bytes, and the whole source as one value."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import attrs

from oci_layout import limits
from oci_layout.closing import Closing
from oci_layout.counting import plural
from oci_layout.errors import LayoutError, NotAnImageError, damage_in
from oci_layout.finding import Deferring, FailFast, Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.walk import whole
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave, jws, layout
from oci_layout.source import mistaken
from oci_layout.source.contents import no_image, read
from oci_layout.source.inner import InnerStore, has_documents, single
from oci_layout.source.kinds import Contents, Reading, SourceKind
from oci_layout.source.layoutsstore import layouts_below
from oci_layout.source.lookup import Holdings, completed
from oci_layout.source.parts import parts_of
from oci_layout.source.registryroot import registry_at, registry_folder
from oci_layout.source.scope import Scope
from oci_layout.source.spool import (
    Spooling,
    Unpacked,
    Watch,
    spool_compressed,
    spool_stream,
    unpack_again,
)
from oci_layout.source.store import ArchiveStore, DirectoryStore, FileStore, Store
from oci_layout.source.transports import advice, file_and_folder
from oci_layout.source.volumeset import VolumeStore, list_at, read_list, volume_files
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.joined import JoinedFile
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarheader import BLOCK, ZERO, looks_like_tar
from oci_layout.where import Where

STANDARD_INPUT = "-"


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Source(Closing):
    """An opened source. A context manager; closing it closes the archive.

    Args:
        label: as the user called it.
        archive: whether it is a tar (else a directory).
        outer: how the archive as a whole was compressed.
        volumes: how many it was cut into; 0 for what was not.
        parts: how many its file was split into; 0 for what was not.
        folder: the folder inside of it that was looked at; empty for all of it.
        window: bytes of memory that unpacking it took, where that was zstd.
        followed: whether something followed the end of its gzip stream, and was passed over.
        inner: how it was compressed inside of that: some are packed twice.
        store: its members.
        contents: what it says it holds.
        findings: what was found on opening.
        reading: how its contents were read.
        tmp: directory for what has to be unpacked.
    """

    label: str
    archive: bool
    outer: Compression
    volumes: int = 0
    parts: int = 0
    folder: str = ""
    window: int = 0
    followed: bool = False
    inner: Compression = Compression.NONE
    store: Store = attrs.field(repr=False)
    contents: Contents = attrs.field(repr=False)
    findings: Findings = attrs.field(repr=False)
    reading: Reading = attrs.field(repr=False)
    tmp: str | None = None

    @property
    def kind(self) -> SourceKind:
        """What it is."""
        return self.contents.kind

    @property
    def roots(self) -> tuple[Root, ...]:
        """What it holds."""
        return self.contents.roots

    @property
    def whole(self) -> bool:
        """Whether it lacks nothing that its documents lead to."""
        return all(whole(root.node) for root in self.roots)

    def settle(self, chosen: Sequence[Root] | None) -> None:
        """Let what was found elsewhere than in what was chosen pass as warnings.

        Args:
            chosen: some of the roots, or what was made of them; None: all that is there.

        Raises:
            DamagedError: something that was chosen is damaged.
        """
        if isinstance(self.findings, Deferring):
            self.findings.settle(
                (lambda _: True) if chosen is None else Scope(self.contents, chosen).holds
            )

    def close(self) -> None:
        """Let go of the archive."""
        self.store.close()

    def completed(self, bases: Sequence[Holdings]) -> Source:
        """The source with what it lacks taken from others, which stay open as long.

        Args:
            bases: what they hold, in the order in which they are asked.

        Raises:
            DamagedError: what they give does not hold.
        """
        if self.whole or not bases:
            return self
        findings = self.findings.fresh()
        reading = self.reading.again(findings, bases)
        contents = _filled(read(reading, Findings()), bases, self.tmp)
        known = set(self.findings.found)
        for finding in findings.found:
            if finding not in known:
                self.findings.add(finding)
        return attrs.evolve(self, contents=contents, reading=reading)

    @property
    def description(self) -> str:
        """One line for people."""
        if not self.kind.has_form:
            return str(self.kind)
        form = "archive" if self.archive else "directory"
        form = plural(self.volumes, "volume") if self.volumes else form
        form += f" in {plural(self.parts, 'part')}" if self.parts else ""
        form += f", in its folder {self.folder[:60]}" if self.folder else ""
        packed = "" if self.outer is Compression.NONE else f", {self.outer}-compressed"
        return f"{self.kind} ({form}{packed})"


def open_source(
    path: str,
    *,
    findings: Findings | None = None,
    tmp: str | None = None,
    repair: bool = False,
    trusted: Sequence[jws.PublicKey] = (),
    lone: bool = False,
    limit: int | None = None,
    memory: int | None = None,
    watch: Watch | None = None,
    bases: Sequence[Holdings] = (),
    host: str | None = None,
    namespace: str | None = None,
) -> Source:
    """Open a file, a directory or standard input, whatever format it has.

    Args:
        path: the source; ``-`` for standard input.
        findings: told of all that is odd or wrong; by default the first error is raised.
        tmp: directory for spooling what cannot be read by offset (standard input, a compressed
            archive); by default that for large temporary files.
        repair: accept a missing ``oci-layout``.
        trusted: keys of which one must have signed each schema 1 manifest.
        lone: accept a file that is a manifest and nothing else.
        limit: unpacked bytes of a compressed archive from which a ratio over 200 is refused.
        memory: bytes of memory that unpacking may take; None for the common bound.
        watch: told how far spooling is, if there is any.
        bases: what other sources hold, which stay open as long: asked for blobs that this one
            lacks, by digest and layers by diff_id.
        host: put before names of a registry's storage; None for names without a host.
        namespace: of containerd, whose images are meant; None for the only one that has any.

    Raises:
        NotAnImageError: not an image of any kind.
        DamagedError: an image, and something in it does not hold.
        SelectionError: several namespaces have images, or there is none of that name.
    """
    findings = FailFast() if findings is None else findings
    file_path, folder = file_and_folder(path)
    if folder and os.path.isdir(file_path):
        file_path, folder = os.path.join(file_path, folder), ""
    parts = None if file_path == STANDARD_INPUT else parts_of(file_path)
    label = "standard input" if file_path == STANDARD_INPUT else file_path
    label = parts[0] if parts is not None else label
    archive = file_path == STANDARD_INPUT or not os.path.isdir(file_path)
    found: Unpacked | None = None
    volumes = 0
    told = Findings()
    store: Store
    with damage_in(label):
        if archive:
            spooling = Spooling(tmp=tmp, limit=limit, memory=memory, watch=watch)
            if parts is None:
                found = _archive_file(file_path, spooling)
            else:
                found = _unpacked(JoinedFile(parts[1], label), spooling)
            found = unpack_again(found, spooling)
            _tell(found, told)
            with _closed_on_error(found.file):
                listed = None if file_path == STANDARD_INPUT else read_list(found.file)
                if listed is None:
                    store = _store(found.file, label, told, lone=lone)
                else:
                    store, volumes = VolumeStore(listed, label, told), len(listed.volumes)
                    found.file.close()
        else:
            store = _folder_store(file_path)
        if not folder and not has_documents(store):
            folder = registry_folder(store.names()) if archive else ""
            folder = folder or single(store)
        if folder:
            store = InnerStore(store, folder)
        with _closed_on_error(store):
            reading = Reading(
                store=store,
                archive=archive,
                findings=findings,
                repair=repair,
                trusted=trusted,
                bases=bases,
                host=host or "",
                namespace=namespace or "",
            )
            contents = read(reading, told)
    return Source(
        label=label,
        archive=archive,
        outer=found.outer if found is not None else Compression.NONE,
        volumes=volumes,
        parts=0 if parts is None else len(parts[1]),
        window=found.window if found is not None else 0,
        followed=found is not None and found.followed,
        inner=found.inner if found is not None else Compression.NONE,
        folder=folder,
        store=store,
        contents=_filled(contents, bases, tmp),
        tmp=tmp,
        reading=reading,
        findings=findings,
    )


def files_of(path: str) -> list[str]:
    """The files that are read for a source: itself, its volumes, or its parts.

    Args:
        path: of a file or a folder.

    Raises:
        NotAnImageError: a part of it is not there.
        DamagedError: it is a list of volumes that does not hold.
        ReadError: it cannot be read.
    """
    parts = None if path == STANDARD_INPUT else parts_of(path)
    if parts is not None:
        return parts[1]
    listed = list_at(path)
    return [path] if listed is None else [path, *volume_files(listed, path)]


def _filled(contents: Contents, bases: Sequence[Holdings], tmp: str | None) -> Contents:
    return attrs.evolve(contents, roots=completed(contents.roots, contents.holdings, bases, tmp))


def source_of(store: Store, *, archive: bool) -> Source:
    """The source that a store is; what is odd or wrong is among its findings.

    Args:
        store: its files.
        archive: whether they are, or are to be, in a tar.

    Raises:
        NotAnImageError: not an image of any kind.
    """
    reading = Reading(store=store, archive=archive, findings=Findings())
    return Source(
        label=store.label,
        archive=archive,
        outer=Compression.NONE,
        store=store,
        contents=read(reading, Findings()),
        reading=reading,
        findings=reading.findings,
    )


@contextmanager
def _closed_on_error(held: HeldFile | Store) -> Iterator[None]:
    try:
        yield
    except BaseException:
        held.close()
        raise


_CLOSE = 0.8  # of two file names, by difflib
_GLANCED_AT = 100  # files that lie about in a folder
_LOOKED_AT = 1_000  # entries of a folder, in which a folder of an image is looked for


def _folder_store(path: str) -> Store:
    """The files of a folder.

    Raises:
        NotAnImageError: it is no image.
    """
    from oci_layout.source.engines import engine_at, rooted_below  # noqa: PLC0415  a fast start

    engine = engine_at(path)
    if engine is not None:
        return engine.store(path)
    registry = registry_at(path)
    if registry is not None:
        return registry.store(path)
    try:
        _refuse_any_folder(path)
    except NotAnImageError:
        if os.path.realpath(path) == "/":
            raise
        rooted = rooted_below(path)
        store = rooted.store(path) if rooted is not None else layouts_below(path)
        if store is None:
            raise
        return store
    return DirectoryStore(path)


def _refuse_any_folder(path: str) -> None:
    """Tell a folder that is no image from its first two levels, before it is walked.

    Raises:
        NotAnImageError: none of the documents is there that an image begins with.
    """
    if os.path.realpath(path) == "/":  # whatever lies about there
        raise NotAnImageError(
            what="is the root of the file system, not an image",
            where=Where(file=path),
            hint="name a file",
        )
    known = (layout.MARKER, layout.INDEX, dockersave.MANIFEST)
    if any(os.path.lexists(os.path.join(path, name)) for name in known):
        return
    folders = _entries(path)
    below = {folder: _entries(folder) for folder in folders}
    inside = [
        each for each in folders if any(os.path.lexists(os.path.join(each, name)) for name in known)
    ]
    if inside == folders[:1] == folders:
        return
    # Docker before 1.10 has ID/json, which some tools put into one more folder.
    for each in itertools.chain(folders, *below.values()):
        if all(os.path.isfile(os.path.join(each, name)) for name in ("json", "layer.tar")):
            return
    names = [os.path.relpath(each, path) for each in itertools.chain(folders, *below.values())]
    found = mistaken.by_names(names)
    if found is None:
        others = (below[each] for each in folders if each not in inside)
        archives = _archives([*folders, *itertools.chain(*others)])
        if archives:
            found = mistaken.shelf(path, sorted([*inside, *archives]))
        elif inside:
            found = mistaken.images_inside(inside, inside[0], shelf=path)
    found = found or mistaken.by_what_is_inside(names)
    raise no_image(path, [os.path.basename(each) for each in folders[:4]], found)


def _archives(paths: Sequence[str]) -> list[str]:
    """Those of some paths that may be archives with images, by the first bytes of some of them."""
    from oci_layout.source.glancing import file_may_hold  # noqa: PLC0415  seldom needed

    found = []
    files = (path for path in paths if os.path.isfile(path) and not os.path.islink(path))
    for path in itertools.islice(files, _GLANCED_AT):
        with suppress(LayoutError):
            found += [path] if file_may_hold(path) else []
    return found


def _entries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in itertools.islice(entries, _LOOKED_AT))
    except OSError:
        return []


def _meant(path: str) -> str:
    """A hint at what lies beside a name that is not there and is close to it."""
    import difflib  # noqa: PLC0415  nothing else needs it at the start

    folder, name = os.path.split(path)
    there = [os.path.basename(each) for each in _entries(folder or ".")]
    close = difflib.get_close_matches(name, there, 2, _CLOSE)
    guess = " or ".join(os.path.join(folder, each) for each in close)
    return f"did you mean {guess}?" if guess else ""


def _store(file: HeldFile, label: str, findings: Findings, *, lone: bool) -> Store:
    if lone and file.pread(64, 0).lstrip().startswith(b"{"):
        return FileStore(file, label, dockersave.MANIFEST)
    head = file.pread(BLOCK, 0)
    if head == ZERO or not looks_like_tar(head):  # a disc may begin with zeros, as the end of a tar
        found = mistaken.by_bytes(file)
        if found is not None:
            raise no_image(label, [], found)
    if not looks_like_tar(head):
        raise NotAnImageError(what=_not_a_tar(file), where=Where(file=label))
    return ArchiveStore(file, label, findings)


def _not_a_tar(file: HeldFile) -> str:
    if not file.size:
        return "empty, where an image archive was expected"
    if file.pread(1, 0) in (b"{", b"["):
        return "a JSON document, not an image archive"
    return "neither a tar archive nor a directory"


def _tell(found: Unpacked, findings: Findings) -> None:
    """What is odd in how an archive was packed."""
    if found.window > limits.ZSTD_WINDOW:
        findings.note("zstd-window", f"a zstd frame asks for a window of {found.window} bytes")
    if found.followed:
        findings.warning(
            "trailing-data",
            "something follows the end of the gzip stream; not every engine reads such a file",
        )


def _archive_file(path: str, spooling: Spooling) -> Unpacked:
    """The archive as a seekable, uncompressed file."""
    if path == STANDARD_INPUT:
        return spool_stream(0, "standard input", spooling)
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise NotAnImageError(
            what=error.strerror or str(error),
            where=Where(file=path),
            hint=advice(path) or _meant(path),
        ) from error
    if stat.S_ISFIFO(mode):  # <(docker save ...) of a shell
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return spool_stream(fd, path, spooling)
        finally:
            os.close(fd)
    return _unpacked(HeldFile(path), spooling)


def _unpacked(file: HeldFile, spooling: Spooling) -> Unpacked:
    head = file.pread(SNIFF_BYTES, 0)
    if sniff(head) is Compression.NONE:
        return Unpacked(file=file)
    with file:
        return spool_compressed(file, head, spooling)
