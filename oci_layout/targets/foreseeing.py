"""What a plan would write, as a source that can be asked about: no layer is read for it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import attrs

from oci_layout.blobs.task import Fact, Task
from oci_layout.digest import Digest
from oci_layout.plan.assemble import Documents
from oci_layout.plan.files import blob_name, documents_of, documents_of_dir
from oci_layout.plan.planning import Plan
from oci_layout.source.opening import Source, source_of
from oci_layout.source.store import MadeStore
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import BytesMember, Member


def foresee(plan: Plan, path: str, *, archive: bool, flat: bool) -> tuple[Source, dict[str, str]]:
    """The source that a plan comes to, and what its layers are called in the sources.

    Layers that would be packed anew are stood in for by small ones, packed alike.

    Args:
        plan: what would be done.
        path: what the result would be called.
        archive: whether it would be one.
        flat: whether it would be a ``dir:``.

    Raises:
        TargetError: the target has no form for it.
    """
    stand_ins = {task.key: _stand_in(task) for task in plan.unknown}
    documents = plan.documents({key: fact for key, (fact, _) in stand_ins.items()})
    made = documents_of_dir(documents) if flat else documents_of(documents)
    members: dict[str, Member] = {name: BytesMember.of(name, data) for name, data in made.items()}
    names: dict[str, str] = {}
    for task in plan.tasks.values():
        digest, member = _blob(task, stand_ins)
        name = digest.hex if flat else blob_name(documents, digest)
        if name is not None:
            members.setdefault(name, attrs.evolve(member, name=name))
            names[name] = task.member.name
    _link(documents, members)
    return source_of(MadeStore(members, path), archive=archive), names


def _blob(task: Task, stand_ins: Mapping[str, tuple[Fact, Member]]) -> tuple[Digest, Member]:
    if task.key in stand_ins:
        fact, member = stand_ins[task.key]
        return fact.digest, member
    if task.stated_result is None:
        raise AssertionError(f"nothing is known of {task.member.name}")
    return task.stated_result[0], task.member


def _stand_in(task: Task) -> tuple[Fact, Member]:
    """Something in the place of a blob that nobody knows before the work."""
    if task.encoding is None:
        member = task.member
        digest = Digest.of(task.key.encode(), task.algorithm)
    else:
        encoder = Encoding(task.result).encoder()
        data = encoder.compress(task.key.encode()) + encoder.flush()
        member = BytesMember.of(task.key, data)
        digest = Digest.of(data, task.algorithm)
    fact = Fact(
        digest=digest,
        size=member.size,
        diff_id=None if task.opaque else Digest.of(f"tar of {task.key}".encode()),
        stored_digest=digest,
        stored_size=member.size,
    )
    return fact, member


def _link(documents: Documents, members: dict[str, Member]) -> None:
    """Layers that stand in a legacy archive once more, as links."""
    legacy = documents.legacy
    for name, target in legacy.links.items() if legacy is not None else ():
        real = members.get(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
        if real is not None:
            members[name] = real
