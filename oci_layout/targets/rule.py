"""What a rule is, and how most are known."""

from __future__ import annotations

import attrs

from oci_layout.pythons import StrEnum


class Cure(StrEnum):
    """What makes a source load that a rule speaks against."""

    NONE = "none"  # nothing that repack does
    REPACK = "repack"  # repack, with a name or a choice where the images need one
    REPAIR = "repair"  # repack --repair


@attrs.frozen(kw_only=True)
class Rule:
    """One rule.

    Args:
        code: stable; programs match on it.
        says: what holds in general.
        source: measured with which versions, or the source file that was read.
        cure: what helps.
    """

    code: str
    says: str
    source: str
    cure: Cure


ALL = "measured: Docker 20.10, 26.1, 28.5; containerd 1.6, 1.7, 2.1; podman 4.3, 5.4, 5.8"
DOCKER = "measured: Docker 20.10.24, 26.1.5, 28.5.2"
STORE = "measured: Docker 28.5.2 on the containerd store"
CTR = "measured: containerd 1.6.20, 1.7.24, 2.1.9"
IMAGE = "measured: skopeo 1.9.3, 1.18.0, 1.22.0; podman 4.3.1, 5.4.2, 5.8.6"


UNPACKED = (
    "measured: Docker 20.10.24, 26.1.5, 28.5.2; containerd 1.6.20, 1.7.24, 2.1.9; podman 4.3.1, "
    "5.4.2, 5.8.6"
)
POISONED = (
    "measured: podman 4.3.1 loads an OCI archive with a wrong type in a field of Docker's, and "
    "lists no image at all afterwards"
)


def rules(*rows: tuple[str, str, str, Cure]) -> dict[str, Rule]:
    """Rules by their codes.

    Args:
        rows: what they are made of: code, what it says, how one knows, what helps.
    """
    return {
        code: Rule(code=code, says=says, source=source, cure=cure)
        for code, says, source, cure in rows
    }
