"""What a registry has to hold of a result: which repository, which tags, which links.

A registry knows an image by repository and tag; the host of a name is that of the registry itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import SelectionError, TargetError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Node, Opaque, Root
from oci_layout.graph.referrers import digests, targets
from oci_layout.model import registry
from oci_layout.model.manifest import Links as DocumentLinks
from oci_layout.model.manifest import read_links
from oci_layout.plan.assemble import Documents
from oci_layout.plan.merging import HOSTLESS, called
from oci_layout.reference import ImageName
from oci_layout.where import Where
from oci_layout.wording import short

_SHOWN = 8  # names in one message


@attrs.frozen(kw_only=True)
class Placed:
    """A manifest or index in a repository.

    Args:
        repository: which.
        tag: that stands for it; empty for none.
        digest: its own.
    """

    repository: str
    tag: str
    digest: Digest

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@attrs.frozen(kw_only=True, eq=False)
class Links:
    """The links of a result by their paths, in the order in which they may appear.

    Args:
        folders: that are there even where nothing is in them.
        below: to blobs, then to manifests: with them, a tag leads to what is whole.
        tags: what tags stood for, then what they stand for.
        blobs: digests of all that they lead to.
    """

    folders: Sequence[str]
    below: Mapping[str, Digest]
    tags: Mapping[str, Digest]
    blobs: frozenset[Digest]

    @property
    def every(self) -> Mapping[str, Digest]:
        """All of them."""
        return {**self.below, **self.tags}


def repository_of(name: ImageName) -> str:
    """The repository that a name is in, in whichever registry; empty where it names none."""
    if name.reference is None:
        return ""
    if name.reference.domain == "docker.io":
        return name.reference.familiar_repository
    return name.reference.path


def key_of(name: ImageName) -> str:
    """What a name comes to in a registry: two with one key are one name there."""
    repository = repository_of(name)
    return f"{repository}:{name.tag}" if repository and name.tag else name.key


def repositories_of(roots: Sequence[Root]) -> dict[Node, tuple[str, ...]]:
    """The repositories that each root goes to: those of its names, or of what it refers to.

    Args:
        roots: all that go out.

    Raises:
        TargetError: one has no name, or is none that a registry keeps under one.
        SelectionError: two have one name.
    """
    _require_manifests(roots)
    found: dict[Node, tuple[str, ...]] = {}
    holders: dict[str, tuple[Root, ImageName]] = {}
    for root in roots:
        for name in root.names:
            repository = repository_of(name)
            if not repository:
                continue
            holder, other = holders.setdefault(key_of(name), (root, name))
            if name.tag and holder.node is not root.node:
                raise SelectionError(
                    what=f"{key_of(name)} names two different images: {other} "
                    f"({called(holder.node)}), {name} ({called(root.node)})",
                    hint=f"{HOSTLESS}: --name {name}=NEW gives one another name",
                )
        of_it = dict.fromkeys(repository_of(name) for name in root.names)
        of_it.pop("", None)
        if of_it:
            found[root.node] = tuple(of_it)
    waiting = [root for root in roots if root.node not in found]
    at: dict[str, tuple[str, ...]] = {}
    for root in roots:
        _take(root, found.get(root.node, ()), at)
    while waiting:
        settled = [root for root in waiting if targets(root) & at.keys()]
        for root in settled:
            those = dict.fromkeys(each for text in targets(root) for each in at.get(text, ()))
            found[root.node] = tuple(those)
            _take(root, found[root.node], at)
        if not settled:
            raise _nameless(waiting)
        waiting = [root for root in waiting if root.node not in found]
    return found


def _take(root: Root, repositories: Iterable[str], at: dict[str, tuple[str, ...]]) -> None:
    for text in digests([root]):
        at[text] = tuple(dict.fromkeys((*at.get(text, ()), *repositories)))
        if not at[text]:
            del at[text]


def _nameless(roots: Sequence[Root]) -> TargetError:
    listed = ", ".join(root.label[:100] for root in roots[:_SHOWN])
    more = f" and {len(roots) - _SHOWN} more" if len(roots) > _SHOWN else ""
    label = roots[0].label
    called = label[:100] if roots[0].names else short(label)
    one = "it" if len(roots) == 1 else "the first"
    return TargetError(
        what=f"a registry keeps images in repositories, and these name none: {listed}{more}",
        hint=f"--name {called}=REPOSITORY:TAG names {one}, --image chooses others",
    )


def _require_manifests(roots: Sequence[Root]) -> None:
    for root in roots:
        if isinstance(root.node, Opaque | Absent):
            stated = root.node.descriptor.media_type[:80]
            raise TargetError(
                what=f"{root.label[:100]}: a registry gives names to manifests, not to {stated!r}",
                hint="--image chooses others",
            )


def tell_hosts(roots: Sequence[Root], findings: Findings) -> None:
    """Say which names lose their host."""
    names = [
        name
        for root in roots
        for name in root.names
        if name.reference is not None and name.reference.domain != "docker.io"
    ]
    if not names:
        return
    listed = ", ".join(f"{name!s:.100} as {repository_of(name)}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    findings.note("host-dropped", f"a registry has no host of its own: {listed}{more}")


def placed_in(documents: Documents, homes: Mapping[Node, tuple[str, ...]]) -> list[Placed]:
    """Where each root of the result stands, in order.

    Args:
        documents: of the result.
        homes: the repositories of each root.
    """
    found: dict[Placed, None] = {}
    for root, made in documents.top:
        for repository in homes[root.node]:
            tags = [
                name.tag
                for name in root.names
                if not name.is_digest and repository_of(name) in ("", repository)
            ]
            for tag in tags or [""]:
                placed = Placed(repository=repository, tag=tag, digest=made.digest)
                found.setdefault(placed)
    return list(found)


def links_of(placed: Iterable[Placed], documents: Documents, there: frozenset[Digest]) -> Links:
    """The links that make a registry serve some images.

    Args:
        placed: the images.
        documents: all of the result.
        there: digests of blobs that are written; what is fetched elsewhere has no link.
    """
    layers: dict[str, Digest] = {}
    revisions: dict[str, Digest] = {}
    past: dict[str, Digest] = {}
    current: dict[str, Digest] = {}
    folders: dict[str, None] = {}
    known: dict[Digest, DocumentLinks | None] = {}
    for each in placed:
        folders.setdefault(registry.layers_folder(each.repository))
        pending = [each.digest]
        while pending:
            digest = pending.pop()
            path = registry.revision_link(each.repository, digest)
            if path in revisions:
                continue
            revisions[path] = digest
            pending += documents.referrers.get(digest, ())
            if digest not in known:
                known[digest] = read_links(documents.blobs[digest], Where(), Findings())
            inner = known[digest]
            for below in inner.below if inner is not None else ():
                if below in documents.manifests and inner is not None and not inner.blobs:
                    pending.append(below)
                elif below in there:
                    layers[registry.layer_link(each.repository, below)] = below
        if each.tag:
            past[registry.past_link(each.repository, each.tag, each.digest)] = each.digest
            current[registry.current_link(each.repository, each.tag)] = each.digest
    return Links(
        folders=list(folders),
        below={**layers, **revisions},
        tags={**past, **current},
        blobs=frozenset({*layers.values(), *revisions.values()}),
    )
