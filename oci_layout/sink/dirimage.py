"""Writes a ``dir:`` directory: one image, or one list, with its blobs under their bare hex.

containers/image directory/directory_dest.go: ``version``, ``manifest.json``, children of a list
as ``<hex>.manifest.json``.
"""

from __future__ import annotations

from oci_layout.blobs.pool import Pool
from oci_layout.disk.draft import Draft
from oci_layout.disk.place import Place
from oci_layout.errors import SelectionError, TargetError
from oci_layout.graph.nodes import Absent, Opaque
from oci_layout.graph.referrers import is_attached
from oci_layout.plan.files import documents_of_dir
from oci_layout.plan.planning import Plan
from oci_layout.sink.layoutdir import BlobFolder, blob_bytes, do_all
from oci_layout.sink.written import Written


def require_single(plan: Plan) -> None:
    """Refuse what a ``dir:`` cannot hold.

    Raises:
        SelectionError: there is not exactly one image or list.
        TargetError: it is a blob of a type that is nobody's manifest.
    """
    if len(plan.roots) != 1:
        if sum(not is_attached(root) for root in plan.roots) == 1:
            raise SelectionError(
                what="a dir: directory has no place for what is attached to an image",
                hint="--attestations drop leaves it out",
            )
        names = ", ".join(str(name) for root in plan.roots[:8] for name in root.names[:1])
        raise SelectionError(
            what=f"a dir: directory holds one image, and there are {len(plan.roots)}",
            hint=f"choose one with --image; there are {names}" if names else "choose with --image",
        )
    node = plan.roots[0].node
    if isinstance(node, Opaque | Absent):
        stated = node.descriptor.media_type[:80]
        raise TargetError(
            what=f"a dir: directory begins with a manifest, and there is none: {stated!r}",
            hint="--to oci copies it",
        )


def write_dir(plan: Plan, place: Place, *, pool: Pool) -> Written:
    """Carry a plan out into a new ``dir:`` directory.

    Args:
        plan: what to do; exactly one root.
        place: where it is to appear, as it was found.
        pool: does the work on blobs.

    Raises:
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    with Draft(place, directory=True, replace=False) as draft:
        with BlobFolder(draft.folder, lambda digest: digest.hex) as folder:
            facts = do_all(plan, folder, pool)
            documents = plan.documents(facts)
            for name, data in documents_of_dir(documents).items():
                folder.put_file(name, data)
            size = folder.bytes_written + blob_bytes(facts)
        draft.appear()
    return Written(documents=documents, facts=facts, size=size)
