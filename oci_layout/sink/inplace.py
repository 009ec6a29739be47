"""Edits a layout that is there: new blobs are added, and its index is replaced whole.

What the old index led to stays: other images may share it, and who reads the layout meanwhile
finds all of it. A run that is killed leaves a folder beside the layout, which the next run removes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.task import Fact, Task
from oci_layout.disk.draft import Draft
from oci_layout.disk.place import Place
from oci_layout.errors import DestinationError
from oci_layout.plan.planning import Plan
from oci_layout.sink.layoutdir import BlobFolder
from oci_layout.sink.layoutfolder import held, require_plain
from oci_layout.sink.written import Written
from oci_layout.where import Where


def edit_layout(plan: Plan, place: Place, *, pool: Pool) -> Written:
    """Carry a plan out in the layout that it was made of.

    Args:
        plan: what to do.
        place: the layout, as it was found.
        pool: does the work on blobs.

    Raises:
        DestinationError: a blob there is damaged, somebody has changed the layout meanwhile, or
            the disk refuses.
        DamagedError: the layout does not hold what it says.
    """
    before = require_plain(place.real).raw
    with Draft(place, directory=True, replace=False) as draft:
        with BlobFolder(draft.folder) as folder:
            folder.make("blobs/sha256")
            facts = _new_blobs(plan, place, folder, pool)
            kept = {task.stated_result[0] for task in plan.work if task.stated_result is not None}
            documents = plan.documents(facts)
            for digest, data in documents.blobs.items():
                folder.put(digest, data)
        draft.folder.sync_all()
        names = {digest.blob_path for digest in documents.blobs}
        names |= {fact.digest.blob_path for fact in facts.values()}
        names |= {digest.blob_path for digest in kept}
        editing = plan.options.editing
        read = editing.index.raw if editing is not None and editing.index is not None else before
        with held(place) as dest:
            if dest.index.raw != read:
                raise DestinationError(
                    what="somebody has changed it meanwhile",
                    where=Where(file=place.path),
                    hint="run it again",
                )
            size = dest.take(draft.folder, names)
            if any(dest.status(name) is None for name in names):  # gc took what nobody named yet
                raise DestinationError(
                    what="somebody has removed blobs meanwhile",
                    where=Where(file=place.path),
                    hint="run it again",
                )
            if documents.index != read:
                dest.put_index(documents.index, draft.folder)
                size += len(documents.index)
    return Written(documents=documents, facts=facts, size=size)


def _new_blobs(plan: Plan, place: Place, folder: BlobFolder, pool: Pool) -> Mapping[str, Fact]:
    """Do the tasks whose result is not there; what is there stays unread."""
    tasks = [task for task in plan.work if not _there(task, place)]
    numbers = {task.key: number for number, task in enumerate(tasks)}
    return pool.do_all(tasks, lambda task: folder.work(task, numbers[task.key], pool))


def _there(task: Task, place: Place) -> bool:
    result = task.stated_result
    return result is not None and os.path.isfile(os.path.join(place.real, result[0].blob_path))
