"""One set of images out of the views of a source.

``index.json`` rules; images that only ``manifest.json`` knows are added; one name for two images
is an error, since two engines would load two different images from the same file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.walk import attached_to, images
from oci_layout.model import dockersave, layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index
from oci_layout.reference import ImageName
from oci_layout.source import flat
from oci_layout.source.blobs import GraphReader
from oci_layout.source.fitting import contradicts, fits, same_layers
from oci_layout.source.views import DockerImage, entry_name
from oci_layout.where import Where

_NAMES = {layout.REF_NAME, layout.CONTAINERD_NAME}


@attrs.define(eq=False, repr=False, match_args=False)
class _Draft:
    """A root in the making."""

    node: Node
    descriptor: Descriptor | None = None
    names: dict[str, ImageName] = attrs.field(factory=dict)
    docker: dict[str, Digest] = attrs.field(factory=dict)
    listed: bool = True
    subject: Digest | None = None

    def root(self) -> Root:
        return Root(
            node=self.node,
            names=tuple(self.names.values()),
            docker=tuple(self.docker.items()),
            descriptor=self.descriptor,
            listed=self.listed,
            subject=self.subject,
        )


@attrs.define(eq=False, repr=False, match_args=False)
class _Places:
    """Where one image stands: the first time as a root of its own, and inside of others."""

    drafts: dict[_Draft, None] = attrs.field(factory=dict)
    alone: _Draft | None = None

    def take(self, draft: _Draft) -> None:
        self.drafts[draft] = None
        if self.alone is None and isinstance(draft.node, Image):
            self.alone = draft


@attrs.frozen(eq=False, repr=False, match_args=False)
class _Claim:
    """An entry of ``index.json`` that carries a name."""

    draft: _Draft
    name: ImageName
    number: int


class Reconciler:
    """Takes the views one after the other, the one that rules first.

    Args:
        findings: told where views disagree.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._drafts: list[_Draft] = []
        self._by_name: dict[str, _Draft] = {}
        self._indexed: dict[_Draft, dict[str, ImageName]] = {}

    def roots(self) -> tuple[Root, ...]:
        """What the views came to."""
        return tuple(draft.root() for draft in self._drafts)

    def take_index(self, index: Index, reader: GraphReader, docker: list[DockerImage]) -> None:
        """Take the entries of ``index.json``.

        Args:
            index: the document.
            reader: reads what it refers to.
            docker: the images of ``manifest.json``, which may know the order of layers better.
        """
        by_config: dict[Digest, list[Image]] = {}
        for saved in docker:
            by_config.setdefault(saved.image.config.digest, []).append(saved.image)
        seen: dict[object, _Draft] = {}
        claims: dict[str, list[_Claim]] = {}
        for number, descriptor in enumerate(index.manifests):
            annotations = {k: v for k, v in descriptor.annotations.items() if k not in _NAMES}
            key = (
                descriptor.digest,
                descriptor.media_type,
                descriptor.platform,
                tuple(sorted(annotations.items())),
            )
            draft = seen.get(key)
            if draft is None:
                node = self._settled(reader.node(descriptor), by_config)
                draft = seen[key] = _Draft(node, descriptor)
                self._drafts.append(draft)
            name = entry_name(descriptor, self._findings)
            if name is not None:
                claims.setdefault(name.key, []).append(_Claim(draft, name, number))
        self._name_entries(claims)
        if not claims and not docker:
            drafts = [draft for draft in self._drafts if _platform_or_attached(draft)]
            made = _gathered(drafts, stated=True)
            if made is not None:
                self._place({tuple(drafts): made})
        _attach_by_kind(self._drafts)
        for draft in self._drafts:
            full = {key: name for key, name in draft.names.items() if name.reference is not None}
            self._indexed[draft] = full

    def _name_entries(self, claims: dict[str, list[_Claim]]) -> None:
        """Give each draft its names; entries of one name may be the platforms of one image."""
        gathered: dict[tuple[_Draft, ...], _Draft] = {}
        for key, some in claims.items():
            drafts = tuple(dict.fromkeys(claim.draft for claim in some))
            if len(drafts) > 1 and drafts not in gathered:
                made = _gathered(drafts)
                if made is not None:
                    gathered[drafts] = made
            holder = gathered.get(drafts, drafts[0])
            self._by_name[key] = holder
            holder.names.setdefault(key, some[0].name)
            if drafts not in gathered:
                for claim in some:
                    if claim.draft is not holder:
                        self._claimed_twice(claim)
        self._place(gathered)

    def _claimed_twice(self, claim: _Claim) -> None:
        where = Where(member=layout.INDEX, field=f"manifests[{claim.number}]")
        if claim.name.reference is not None:
            self._conflict(claim.name, where)
            return
        # Bare tags repeat in hand-made layouts; no engine takes them for the same name.
        self._findings.warning(
            "repeated-tag", f"the bare tag {claim.name.text[:100]!r} stands at two entries", where
        )
        claim.draft.names.setdefault(claim.name.key, claim.name)

    def _place(self, gathered: Mapping[tuple[_Draft, ...], _Draft]) -> None:
        """Put indexes where the first of their members stands, and take the members away.

        What has a name of its own as well stays an image of its own.
        """
        members = {draft for some in gathered for draft in some}
        before: dict[_Draft, list[_Draft]] = {}
        for some, made in gathered.items():
            before.setdefault(some[0], []).append(made)
        drafts = []
        for draft in self._drafts:
            drafts += before.get(draft, [])
            if draft not in members or draft.names:
                drafts.append(draft)
        self._drafts = drafts

    def take_unlisted(self, node: Node) -> None:
        """Take a referrer that lies among the blobs and that no index lists."""
        self._drafts.append(_Draft(node, node.descriptor, listed=False))

    def _conflict(self, name: ImageName, where: Where) -> None:
        self._findings.error(
            "name-conflict",
            "the name stands for two different images",
            attrs.evolve(where, image=str(name)),
        )

    def take_docker(self, docker: list[DockerImage]) -> None:
        """Take the images of ``manifest.json``."""
        by_image: dict[object, _Places] = {}
        for draft in self._drafts:
            for image in images(draft.node):
                by_image.setdefault(_identity(image), _Places()).take(draft)
        for number, saved in enumerate(docker):
            where = Where(member=dockersave.MANIFEST, field=f"[{number}]")
            config = saved.image.config.digest
            identity = _identity(saved.image)
            places = by_image.get(identity)
            if places is None:
                new = _Draft(self._settled(saved.image, {}))
                self._drafts.append(new)
                places = by_image[identity] = _Places()
                places.take(new)
            self._compare_layers(saved.image, places, where)
            for name in saved.names:
                self._name_saved(name, config, places, where)

    def _compare_layers(self, saved: Image, places: _Places, where: Where) -> None:
        """Hold the layers of ``manifest.json`` against those that ``index.json`` leads to.

        Other files may hold the same layers, packed in another way. It is an error where that
        cannot be: then some engines load another image than others.
        """
        ruling = next(
            (
                image
                for draft in places.drafts
                for image in images(draft.node)
                if image.descriptor is not None and _identity(image) == _identity(saved)
            ),
            None,
        )
        if ruling is None or same_layers(ruling, saved):
            return
        diff_ids = saved.config.diff_ids
        wrong = diff_ids is not None and (not fits(saved, diff_ids) or contradicts(saved, diff_ids))
        report = self._findings.error if wrong else self._findings.warning
        report(
            "views-disagree",
            "lists layers that are not those of its config, and index.json lists others"
            if wrong
            else "lists other layer files than index.json does for the same config",
            where.at(f"{where.field}.Layers"),
        )

    def _name_saved(
        self,
        name: ImageName,
        config: Digest,
        places: _Places,
        where: Where,
    ) -> None:
        holder = self._by_name.get(name.key)
        if holder is not None and holder not in places.drafts:
            self._conflict(name, where)
            return
        if holder is None:
            # A name for one platform must not become the name of the index around it.
            holder = places.alone
            if holder is None:
                around = next(iter(places.drafts))
                image = next(
                    image for image in images(around.node) if image.config.digest == config
                )
                holder = _Draft(image)
                self._drafts.append(holder)
                places.take(holder)
            self._by_name[name.key] = holder
            holder.names[name.key] = name
        holder.docker[name.key] = config

    def compare_names(self) -> None:
        """Hold the names of ``index.json`` against the RepoTags of the same images."""
        for draft in self._drafts:
            stated = set(self._indexed.get(draft, {}))
            saved = {key for key in draft.docker if _is_whole(draft, key)}
            for name in sorted(stated ^ saved) if stated and saved else ():
                has = layout.INDEX if name in stated else dockersave.MANIFEST
                lacks = dockersave.MANIFEST if name in stated else layout.INDEX
                self._findings.warning(
                    "names-disagree",
                    f"{name!r} stands in {has} and not in {lacks}",
                    Where(member=lacks),
                )

    def take_repositories(self, names: set[str]) -> None:
        """Hold the names of ``repositories`` against those of ``manifest.json``."""
        known = {key for draft in self._drafts for key in draft.docker}
        for name in sorted(names ^ known):
            has, lacks = (
                (dockersave.MANIFEST, dockersave.REPOSITORIES)
                if name in known
                else (dockersave.REPOSITORIES, dockersave.MANIFEST)
            )
            self._findings.warning(
                "names-disagree",
                f"{name!r} stands in {has} and not in {lacks}",
                Where(member=lacks),
            )

    def take_node(self, node: Node, descriptor: Descriptor | None = None) -> None:
        """Take a single nameless node (``dir:``)."""
        self._drafts.append(_Draft(self._settled(node, {}), descriptor))

    def take_named(
        self,
        node: Node,
        names: Sequence[ImageName],
        descriptor: Descriptor | None = None,
        apart: str = "--registry-host HOST tells them apart",
    ) -> None:
        """Take what the tags of a registry or the records of an engine, or none, stand for.

        Without a host ``library/app`` and ``app`` are one name, for two images maybe.

        Args:
            node: the image, index or artifact.
            names: by its tags.
            descriptor: that leads to it, with annotations to keep; None without one.
            apart: what to do where one name stands for two.
        """
        draft = _Draft(self._settled(node, {}), descriptor)
        self._drafts.append(draft)
        for name in names:
            holder = self._by_name.setdefault(name.key, draft)
            if holder is draft:
                draft.names.setdefault(name.key, name)
                continue
            self._findings.warning(
                "name-conflict",
                f"stands for two images; {_digest(node)} goes without it",
                Where(image=str(name)),
                apart,
            )

    def _settled(self, node: Node, saved: dict[Digest, list[Image]]) -> Node:
        """The node, with the layers of each image held against its diff_ids."""
        if isinstance(node, ImageIndex):
            children = tuple(self._settled(child, saved) for child in node.children)
            return attrs.evolve(node, children=children)
        if not isinstance(node, Image):
            return node
        return self._settled_image(node, saved.get(node.config.digest, []))

    def _settled_image(self, image: Image, others: list[Image]) -> Image:
        diff_ids = image.config.diff_ids
        if diff_ids is None:
            return image
        if fits(image, diff_ids):
            return image
        where = Where(image=image.config.digest.short, member=image.config_member.name)
        for other in others:
            if image.manifest is not None and fits(other, diff_ids):
                # Docker 25.0.0 wrote the layers of a manifest in random order.
                self._findings.warning(
                    "shuffled-layers",
                    "the manifest lists its layers in an order that its config contradicts; "
                    "manifest.json has them right and was used",
                    Where(image=image.config.digest.short, member=_place(image)),
                )
                return attrs.evolve(image, layers=other.layers, manifest=None)
        if len(image.layers) != len(diff_ids):
            self._findings.error(
                "layer-count",
                f"the image has {plural(len(image.layers), 'layer')}, and its config lists "
                f"{plural(len(diff_ids), 'diff_id')}",
                where.at("rootfs.diff_ids"),
            )
        return image


def _digest(node: Node) -> str:
    return node.descriptor.digest.short if node.descriptor is not None else "one"


def _is_whole(draft: _Draft, key: str) -> bool:
    """Whether a name of a root has a repository."""
    name = draft.names.get(key)
    return name is None or name.reference is not None


def _gathered(drafts: Sequence[_Draft], *, stated: bool = False) -> _Draft | None:
    """An index in the place of some entries, if they are the platforms of one image."""
    nodes = [draft.node for draft in drafts]
    index = flat.nested(nodes) if flat.one_image(nodes, stated=stated) else None
    return None if index is None else _Draft(index, index.descriptor)


def _platform_or_attached(draft: _Draft) -> bool:
    """What a nameless flat layout is made of; what has a ``subject`` stays beside it."""
    if isinstance(draft.node, Artifact):
        return draft.node.manifest.subject is None
    return not isinstance(draft.node, ImageIndex) or not attached_to(draft.node)


def _attach_by_kind(drafts: list[_Draft]) -> None:
    """Tie signatures to their image where the entries' ``kind`` alone does (cosign save).

    cosign pkg/oci/layout/index.go: the first entry of each kind counts.
    """
    kinds = [
        (draft, draft.descriptor.annotations.get(layout.COSIGN_KIND, ""))
        for draft in drafts
        if draft.descriptor is not None
    ]
    signed = next((draft for draft, kind in kinds if kind in layout.COSIGN_IMAGES), None)
    if signed is None or signed.descriptor is None:
        return
    for draft, kind in kinds:
        if kind.startswith(layout.COSIGN_PREFIX) and kind not in layout.COSIGN_IMAGES:
            draft.subject = signed.descriptor.digest


def _identity(image: Image) -> object:
    """What makes two images one: the config, which names the layers.

    A config made of V1 documents does not name them yet: there, the layers are part of it.
    """
    if not image.made_from:
        return image.config.digest
    return image.config.digest, tuple(layer.member for layer in image.layers)


def _place(image: Image) -> str:
    return image.descriptor.digest.blob_path if image.descriptor is not None else ""
