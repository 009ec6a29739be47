"""`layout verify` ."""

from __future__ import annotations

from tests.command import layout
from tests.verification.checking import tiny

IMAGE = tiny()


def run(*words: object, stdin: bytes | None = None) -> tuple[int, str]:
    """Run `layout verify`, which must say nothing on standard error."""
    done = layout("verify", *words, stdin=stdin)
    assert done.stderr == b"", done.stderr.decode()
    return done.returncode, done.stdout.decode()
