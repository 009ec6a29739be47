"""Whether two images come to the same once they are written."""

from __future__ import annotations

import attrs

from oci_layout.blobs.task import Fact, Task
from oci_layout.digest import Digest
from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Node, Root
from oci_layout.graph.walk import images
from oci_layout.plan.assemble import Assembler
from oci_layout.plan.options import Options
from oci_layout.plan.packing import Packing
from oci_layout.plan.thin import Thin
from oci_layout.plan.uses import uses_of


class Alike:
    """Compares roots by the manifest or index that would be written of each.

    One image saved by two engines has two manifests, which differ in media types alone; what tells
    whether one name may stand for both is what comes out.

    Args:
        options: what was asked for.
    """

    def __init__(self, options: Options) -> None:
        self._options = attrs.evolve(options, docker_view=False)
        self._made: dict[Node, Digest | None] = {}

    def __call__(self, one: Root, other: Root) -> bool:
        """Whether they come to the same."""
        made = self._of(one)
        return made is not None and made == self._of(other)

    def _of(self, root: Root) -> Digest | None:
        if root.node not in self._made:
            try:
                self._made[root.node] = self._written(root)
            except LayoutError:  # whoever writes it will say so
                self._made[root.node] = None
        return self._made[root.node]

    def _written(self, root: Root) -> Digest | None:
        if any(not image.complete for image in images(root.node)):
            return None
        request = self._options.request
        tasks = self._options.tasks()
        uses = uses_of((root,), tasks, self._options.target)
        listed = {task.key: task for task in tasks}
        facts = {key: _stand_in(task) for key, task in listed.items() if task.stated_result is None}
        packing = Packing(tasks=listed, uses=uses, facts=facts, repair=request.repair, thin=Thin())
        documents = Assembler(self._options, packing, Findings()).run((root,), {})
        return documents.top[0][1].digest if documents.top else None


def _stand_in(task: Task) -> Fact:
    """A fact that is the same for the same bytes packed in the same way, before any are read."""
    inner = next((each.diff_id for each in task.expected if each.diff_id is not None), None)
    stored = next((each.digest for each in task.expected if each.digest is not None), None)
    source = stored or inner if task.encoding is None else inner or stored
    named = str(source) if source is not None else task.key
    digest = Digest.of(f"{named} {task.encoding}".encode())
    return Fact(
        digest=digest,
        size=0,
        diff_id=inner or digest,
        stored_digest=stored or digest,
        stored_size=task.member.size,
    )
