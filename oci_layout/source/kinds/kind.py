"""A kind of source as a value: how it is told, how it is read, what in it may be a blob."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from oci_layout.finding import Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.walk import every_image
from oci_layout.model import jws
from oci_layout.model.manifest import Index
from oci_layout.source import views
from oci_layout.source.blobs import Blobs, GraphReader
from oci_layout.source.lookup import Chain, Holdings
from oci_layout.source.reading import Allowance
from oci_layout.source.reconcile import Reconciler
from oci_layout.source.store import Store


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Reading:
    """A store that is being read.

    Args:
        store: the source's files.
        archive: whether they are in a tar.
        findings: told of all that is odd or wrong.
        repair: take a missing ``oci-layout`` for granted.
        trusted: keys of which one must have signed each schema 1 manifest.
        bases: what other sources hold: asked for blobs that are not in the store.
        allowance: what all documents may come to.
        host: of the registry that a registry's storage is of: names begin with it.
        namespace: of containerd, whose images are meant; empty for the only one that has any.
        reconciler: makes one set of images of all views.
    """

    store: Store
    archive: bool
    findings: Findings
    repair: bool = False
    trusted: Sequence[jws.PublicKey] = ()
    bases: Sequence[Holdings] = ()
    allowance: Allowance = attrs.field(factory=Allowance)
    host: str = ""
    namespace: str = ""
    reconciler: Reconciler = attrs.field(
        default=attrs.Factory(lambda self: Reconciler(self.findings), takes_self=True)
    )

    def again(self, findings: Findings, bases: Sequence[Holdings]) -> Reading:
        """The same store, to be read once more with other sources behind it."""
        return Reading(
            store=self.store,
            archive=self.archive,
            findings=findings,
            repair=self.repair,
            trusted=self.trusted,
            bases=bases,
            host=self.host,
            namespace=self.namespace,
        )

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.store.find(name) is not None

    def graph(self, blobs: Blobs) -> GraphReader:
        """Reads documents by descriptor."""
        found = Chain([Holdings(blobs, ()), *self.bases]) if self.bases else blobs
        return GraphReader(found, self.findings, self.trusted, self.allowance)

    def saved(self) -> list[views.DockerImage]:
        """The images of ``manifest.json``."""
        return views.read_docker(self.store, self.findings, self.allowance) or []

    def take_docker(self, docker: list[views.DockerImage], *, named: bool) -> None:
        """Take the images of ``manifest.json``, and of ``repositories`` where they have names."""
        self.reconciler.take_docker(docker)
        names = views.repository_names(self.store, self.findings) if named else None
        if names is not None:
            self.reconciler.take_repositories(names)


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Contents:
    """Everything a store says it holds.

    Args:
        kind: what it is.
        blobs: its blobs by digest; None where there are none (docker-archive, V1).
        roots: what it holds.
        index: its ``index.json``, or None.
        docker: the images as its ``manifest.json`` or V1 folders describe them.
        reader: has read what ``index.json`` refers to; None without one.
    """

    kind: SourceKind
    blobs: Blobs | None = attrs.field(repr=False)
    roots: tuple[Root, ...]
    index: Index | None = attrs.field(default=None, repr=False)
    docker: tuple[views.DockerImage, ...] = attrs.field(default=(), repr=False)
    reader: GraphReader | None = attrs.field(default=None, repr=False)

    @property
    def holdings(self) -> Holdings:
        """What is there for itself, also under another name."""
        return self.lent("")

    def lent(self, lender: str) -> Holdings:
        """What is there for others.

        Args:
            lender: what to call this source.
        """
        held = [image for _, image in every_image(self.roots)]
        return Holdings(self.blobs, [*held, *(saved.image for saved in self.docker)], lender)


def _nothing(store: Store, archive: bool) -> Iterable[str]:
    del store, archive
    return ()


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class SourceKind:
    """A kind of source.

    Args:
        name: for people.
        json: in reports.
        told: whether a store is of this kind; asked in the order of the kinds.
        read: reads one.
        may_be_blobs: names in a store (in a tar or not) that are those of blobs: what of them no
            document leads to is an orphan.
        has_form: whether it comes as a folder or an archive; a lone file does not.
    """

    name: str
    json: str
    told: Callable[[Reading], bool]
    read: Callable[[Reading], Contents]
    may_be_blobs: Callable[[Store, bool], Iterable[str]] = _nothing
    has_form: bool = True

    def __str__(self) -> str:
        return self.name
