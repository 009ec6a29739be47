"""What the lines of a batch say in one word."""

from __future__ import annotations

from oci_layout.pythons import StrEnum


class Verb(StrEnum):
    """What is done with each source."""

    VERIFY = "verify"
    REPACK = "repack"
    INSPECT = "inspect"


class Status(StrEnum):
    """What became of a source."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NO_IMAGE = "no image"


def said(status: Status, verb: Verb) -> str:
    """What became of a source, in a word for people: who verifies hears what was proven."""
    return "sound" if verb is Verb.VERIFY and status is Status.DONE else str(status)


# What is passed over on a shelf, in words for people.
PASSED = {
    "others": "other file",
    "links": "symbolic link",
    "excluded": "excluded name",
    "ours": "own file",
    "twice": "source named twice",
}
