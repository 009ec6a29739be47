"""V1 archives (docker save up to 1.9): ``repositories`` and ``<id>/{VERSION,json,layer.tar}``."""

from __future__ import annotations

import contextlib
import re

import attrs

from oci_layout import limits
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Layer
from oci_layout.model import dockersave
from oci_layout.model.v1 import V1Layer, is_id
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.source.reading import Allowance, read_bounded
from oci_layout.source.store import Store
from oci_layout.source.upgrade import make_image
from oci_layout.source.views import DockerImage
from oci_layout.streams.member import Member
from oci_layout.where import Where

_STEP = re.compile(r"(?:(.+)/)?([^/]+)/json")


class V1View:
    """The V1 images of a store.

    Args:
        store: the source.
        findings: told of all that does not hold.
        allowance: what all documents may come to.
    """

    def __init__(self, store: Store, findings: Findings, allowance: Allowance) -> None:
        self._store, self._findings, self._allowance = store, findings, allowance
        self._prefix = ""
        self._steps: dict[str, V1Layer] = {}
        self._folders: dict[str, str] = {}  # of each id; before 1.1.1 they were called anything
        self._layers = 0  # of all images
        self._made = 0  # bytes of all configs

    @staticmethod
    def is_there(store: Store) -> bool:
        """Whether a store looks like a V1 archive."""
        return any(
            match is not None and store.find(name[: -len("json")] + "layer.tar") is not None
            for name in store.names()
            if name.endswith("/json")
            for match in [_STEP.fullmatch(name)]
        )

    def read(self) -> list[DockerImage]:
        """The images: those that are named, then those that are nobody's parent."""
        self._read_steps()
        named = self._called() | self._repositories()
        result: list[DockerImage] = []
        reached: set[str] = set()
        for top, names in named.items():
            chain = self._chain(top)
            if chain:
                reached.update(step.id for step in chain)
                self._take(chain, names, result)
        parents = {step.parent for step in self._steps.values()}
        for top in self._steps:
            if top not in parents and top not in reached:
                chain = self._chain(top)
                if chain:
                    reached.update(step.id for step in chain)
                    self._take(chain, (), result)
        # A loop has no top: nothing leads to it, and it must not vanish without a word.
        for step in self._steps:
            if step not in reached:
                self._chain(step)
                break
        return result

    def _read_steps(self) -> None:
        for name in self._store.names():
            match = _STEP.fullmatch(name)
            if match is None:
                continue
            prefix, identity = f"{match[1]}/" if match[1] else "", match[2]
            where = Where(member=name)
            member = self._store.find(name)
            layer = self._store.find(f"{prefix}{identity}/layer.tar")
            if member is None or (layer is None and not is_id(identity)):
                continue
            raw = read_bounded(member, self._findings, self._allowance)
            if raw is None:
                continue
            step = V1Layer.from_bytes(raw, where, self._findings)
            if step is None:
                continue
            self._prefix = prefix
            if not is_id(identity):
                if not is_id(step.id):
                    self._findings.error(
                        "bad-v1-id", f"{identity[:80]!r} is not an id of 64 hex digits", where
                    )
                    continue
                self._folders.setdefault(step.id, identity)
                self._steps.setdefault(step.id, step)
                continue
            if step.id != identity:
                self._findings.error(
                    "v1-id-mismatch",
                    f"says it is {step.id[:80]!r}, and lies in the folder {identity!r}",
                    where.at("id"),
                )
            if step.parent and not is_id(step.parent):
                self._findings.error(
                    "bad-v1-id",
                    f"{step.parent[:80]!r} is not an id of 64 hex digits",
                    where.at("parent"),
                )
            self._steps[identity] = attrs.evolve(step, id=identity)
            self._folders[identity] = identity

    def _called(self) -> dict[str, tuple[ImageName, ...]]:
        """Names of images by their folders: docker save before 1.1.1 called the top one so."""
        named: dict[str, tuple[ImageName, ...]] = {}
        for identity, folder in self._folders.items():
            if ":" in folder:
                with contextlib.suppress(InvalidReferenceError):
                    named[identity] = (ImageName.familiar(folder),)
        return named

    def _repositories(self) -> dict[str, tuple[ImageName, ...]]:
        member = self._store.find(self._prefix + dockersave.REPOSITORIES)
        raw = read_bounded(member, self._findings) if member is not None else None
        if raw is None:
            return {}
        named: dict[str, list[ImageName]] = {}
        where = Where(member=dockersave.REPOSITORIES)
        by_folder = {folder: identity for identity, folder in self._folders.items()}
        for repository, tags in dockersave.read_repositories(raw, self._findings).items():
            for tag, folder in tags.items():
                identity = by_folder.get(folder, folder)
                if not is_id(identity):
                    self._findings.error(
                        "bad-v1-id", f"{identity[:80]!r} is not an id of 64 hex digits", where
                    )
                    continue
                names = named.setdefault(identity, [])
                try:
                    names.append(ImageName.familiar(f"{repository}:{tag}"))
                except InvalidReferenceError as error:
                    self._findings.warning("bad-name", str(error), where)
        return {identity: tuple(names) for identity, names in named.items()}

    def _chain(self, top: str) -> list[V1Layer]:
        """The steps of an image, base first; empty when the chain does not hold (reported)."""
        chain: list[V1Layer] = []
        seen: set[str] = set()
        identity = top
        while identity:
            where = Where(member=f"{self._prefix}{identity}/json")
            step = self._steps.get(identity)
            if step is None:
                by = f", the parent of {chain[-1].id}" if chain else ""
                self._findings.error(
                    "v1-parent-missing", f"there is no image {identity[:80]}{by}", where
                )
                return []
            if not self._counted(where):
                return []
            if identity in seen:
                self._findings.error("v1-loop", "is its own ancestor", where.at("parent"))
                return []
            if len(chain) >= limits.V1_DEPTH:
                self._findings.error(
                    "v1-depth", f"has more than {limits.V1_DEPTH} ancestors", where
                )
                return []
            seen.add(identity)
            chain.append(step)
            identity = step.parent
        return chain[::-1]

    def _counted(self, where: Where) -> bool:
        """Count a step of an image: many images may stand on one long chain."""
        self._layers += 1
        if self._layers == limits.NODES + 1:
            self._findings.error(
                "v1-depth", f"the images have more than {limits.NODES} layers together", where
            )
        return self._layers <= limits.NODES

    def _take(
        self, chain: list[V1Layer], names: tuple[ImageName, ...], result: list[DockerImage]
    ) -> None:
        # Each config repeats the lines of all its steps: many images may share one long line.
        if self._made > limits.MADE_BYTES:
            return
        members = [self._layer(step) for step in chain]
        image = make_image(
            chain,
            [Layer(member=member, size=member.size if member else 0) for member in members],
            made_from=f"Docker V1 image {chain[-1].id}",
            findings=self._findings,
        )
        if image is not None:
            self._made += image.config.size
            if self._made > limits.MADE_BYTES:
                self._findings.error(
                    "document-too-large",
                    f"the configs of all images come to more than {limits.MADE_BYTES} bytes",
                    Where(member=dockersave.REPOSITORIES),
                )
        if image is not None and None not in members:
            result.append(DockerImage(image=image, names=names))

    def _layer(self, step: V1Layer) -> Member | None:
        name = f"{self._prefix}{self._folders.get(step.id, step.id)}/layer.tar"
        member = self._store.find(name)
        if member is None:
            self._findings.error("missing-member", "the layer is not there", Where(member=name))
        return member
