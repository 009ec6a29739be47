"""What the user asked for, checked once."""

from __future__ import annotations

import attrs

from oci_layout.blobs.task import TaskList
from oci_layout.graph.selection import Choice
from oci_layout.havelist.values import Thinning
from oci_layout.mediatype import Family
from oci_layout.plan.editing import Editing
from oci_layout.plan.namerules import Renames, Rule
from oci_layout.plan.request import Format, Merge, Repack, Writing
from oci_layout.plan.reshaping import Reshape
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class Options:
    """Everything that shapes a plan: what was asked for, and what that comes to.

    Args:
        request: what was asked for.
        target: whose media types come out.
        docker_view: write ``manifest.json``, for engines that read nothing else.
        renames: new names.
        used: takes the rules of these that had something to do, where others may have it in other
            sources; None where all must have it here.
        thinning: what whoever reads the result has; None for nothing.
        editing: what is edited of images; None for nothing.
        reshape: gives what goes out of all that is there; None for all of it.
        multi_platform: make one image of those that share a name.
    """

    request: Repack
    target: Family
    docker_view: bool = True
    renames: Renames = attrs.field(factory=Renames)
    used: set[Rule] | None = None
    thinning: Thinning | None = None
    editing: Editing | None = None
    reshape: Reshape | None = None
    multi_platform: bool = False

    @classmethod
    def of(cls, request: Writing, *, docker_view: bool) -> Options:
        """What a request comes to.

        Args:
            request: of ``repack`` or ``merge``.
            docker_view: as above.

        Raises:
            UsageError: no names, or options that contradict each other.
        """
        multi_platform = isinstance(request, Merge) and request.multi_platform
        if not isinstance(request, Repack):  # what only repack is asked stays as usual
            shared = {each.name: getattr(request, each.name) for each in attrs.fields(Writing)}
            request = Repack(**shared)
        return cls(
            request=request,
            target=Family.DOCKER if request.to is Format.DOCKER else Family.OCI,
            docker_view=docker_view,
            renames=Renames.parse(tuple(request.names), tuple(request.name_files)),
            multi_platform=multi_platform,
        )

    def target_of(self, family: Family | None) -> Family:
        """Whose media types one document gets: a registry holds both, a layout when asked.

        Args:
            family: whose it has; None for a document that is made anew.
        """
        return family if self.keeps_types and family is not None else self.target

    @property
    def keeps_types(self) -> bool:
        """Whether a document keeps its media types, whosever they are: where OCI's go, all go."""
        return self.keeps_digests and self.target is Family.OCI

    def tasks(self) -> TaskList:
        """Collects what becomes of each blob."""
        request = self.request
        return TaskList(
            self.target,
            request.compression,
            repair=request.repair,
            inner=request.check == "full",
            link=request.link,
            algorithm=request.digest,
            typed=request.preserve_digests and self.keeps_types,
        )

    @property
    def keeps_digests(self) -> bool:
        """Whether a manifest goes out as it is where it can: a registry holds every kind."""
        kept = self.request.preserve_digests or self.editing is not None
        return kept or self.request.to is Format.REGISTRY

    @property
    def choice(self) -> Choice:
        """What is to be taken of the sources."""
        request = self.request
        platforms = tuple(each for each in request.platforms if isinstance(each, Platform))
        return Choice(
            images=tuple(request.images),
            platforms=platforms,
            attestations=request.attestations,
            attached=self.editing.attached if self.editing is not None else None,
            whole=request.keep_original,
        )
