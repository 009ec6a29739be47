"""Asks what is remembered of layers before they are done, and remembers them afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from oci_layout.blobs.known import Known, Remembered
from oci_layout.blobs.task import Fact, Task


def recalled(tasks: Mapping[str, Task], remembered: Remembered) -> dict[str, Task]:
    """The tasks, with what is known of their layers.

    Args:
        tasks: by key.
        remembered: is asked of each layer that would be unpacked or packed.
    """
    return {key: _recalled(task, remembered) for key, task in tasks.items()}


def _recalled(task: Task, remembered: Remembered) -> Task:
    # Documents need the diff_id of what is learnt before its task is done.
    stored = task.stated_stored if task.memorable and not task.learn else None
    known = remembered.find(stored, task.packing) if stored is not None else None
    if known is None or (task.encoding is not None and known.packed is None):
        return task
    return attrs.evolve(task, known=known)


def learned(tasks: Mapping[str, Task], facts: Mapping[str, Fact], remembered: Remembered) -> None:
    """Take in what was found out of layers.

    Args:
        tasks: by key.
        facts: what they came to, as far as nothing was wrong with them.
        remembered: is told.
    """
    for key, fact in facts.items():
        task = tasks.get(key)
        if task is None or task.known is not None or not task.memorable or fact.diff_id is None:
            continue
        known = Known(stored=fact.stored_digest, diff_id=fact.diff_id)
        remembered.learn(known, task.packing, fact.digest)
