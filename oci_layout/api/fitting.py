"""Options of a conversion that do not go together."""

from __future__ import annotations

import attrs

from oci_layout.blobs.compress import AUTO, RAW
from oci_layout.errors import UsageError
from oci_layout.plan.request import Format, Repack, Writing
from oci_layout.sink.destination import Destination


def legacy(asked: Repack, destination: Destination) -> Repack:
    """Old engines read raw layers out of an archive, nothing else.

    Args:
        asked: for such an archive.
        destination: where it goes.

    Raises:
        UsageError: what is asked for besides makes another one.
    """
    if asked.to is not Format.DOCKER or asked.pure:
        raise UsageError(what="--legacy goes with --to docker")
    if destination.path and destination.directory:
        raise UsageError(what="--legacy writes an archive", hint="-o x.tar")
    if asked.volume_size is not None:
        raise UsageError(
            what="--legacy: Docker before 1.10 needs every layer in one archive",
            hint="leave --volume-size out",
        )
    if asked.have:
        raise UsageError(
            what="--legacy: Docker before 1.10 needs every layer", hint="leave --have out"
        )
    if asked.compression not in (AUTO, RAW):
        raise UsageError(what="--legacy writes raw layers", hint="leave --compression out")
    return attrs.evolve(asked, compression=RAW)


def require_deltas_fit(asked: Repack) -> None:
    """Refuse deltas where nobody could read them, or nothing says of what they are.

    Args:
        asked: for deltas.

    Raises:
        UsageError: nobody could, or nothing says so.
    """
    if not asked.have:
        raise UsageError(what="--delta goes with --have", hint="--have SOURCE --delta")
    reasons = {
        "--to docker: Docker has no form for deltas": asked.to is Format.DOCKER,
        "--to registry: who pulls from it applies no deltas": asked.to is Format.REGISTRY,
        "--dry-run: what a delta comes to is known once it is made": asked.dry_run,
        "--volume-size: no engine loads a delta as it is": asked.volume_size is not None,
        "--repair: layers that are to be believed have no diff_id to go by": asked.repair,
    }
    for reason, holds in reasons.items():
        if holds:
            raise UsageError(what=f"--delta goes not with {reason}", hint="leave one out")


def require_referrers(asked: Writing) -> None:
    """Refuse to keep originals where there is no place for what refers to an image.

    Args:
        asked: whether they are kept.

    Raises:
        UsageError: there is none.
    """
    if not asked.keep_original:
        return
    reasons = {
        f"--to {asked.to}: a dir: directory holds one image alone": asked.to is Format.DIR,
        "--legacy: Docker before 1.10 knows no manifests": getattr(asked, "legacy", False),
        "--attestations drop: an original refers to its image": asked.attestations == "drop",
    }
    for reason, holds in reasons.items():
        if holds:
            raise UsageError(what=f"--keep-original goes not with {reason}", hint="leave one out")
