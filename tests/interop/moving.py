"""Reads of an engine's store while the engine loads and removes images."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oci_layout import LayoutError, repack, verify
from oci_layout.finding import Severity
from tests.builders import Image
from tests.interop.host import EngineError

READS = 200


def reads(
    root: Path, dest: Path, turn: Callable[[], object], stays: Image, comes: Image, **options: Any
) -> str:
    """Read a store again and again: each read is right, or ends in one clear error.

    Args:
        root: of the store.
        dest: an archive that is written and removed.
        turn: lets the engine load `comes` and remove it again.
        stays: an image that is there all the time.
        comes: one that comes and goes.
        options: of `repack`.

    Returns:
        What the reads came to.
    """
    stop = threading.Event()
    rounds, trouble = 0, []

    def coming_and_going() -> None:
        nonlocal rounds
        while not stop.is_set():
            try:
                turn()
            except EngineError as error:
                trouble.append(error)
                return
            rounds += 1

    worker = threading.Thread(target=coming_and_going)
    worker.start()
    try:
        seen = Counter(_read(root, dest, stays, comes, options) for _ in range(READS))
    finally:
        stop.set()
        worker.join()
    assert not trouble
    assert rounds
    assert sum(seen.values()) == READS
    return f"{dict(seen)} in {rounds} rounds"


def _read(root: Path, dest: Path, stays: Image, comes: Image, options: dict[str, Any]) -> str:
    """Read it once; what came of it."""
    try:
        repack(root, dest, **options)
    except LayoutError as error:
        assert not dest.exists()
        return getattr(error, "code", type(error).__name__)
    report = verify(dest)
    assert not [each for each in report.findings if each.severity is Severity.ERROR]
    ids = {str(image.image_id) for image in report.images}
    assert {stays.config_digest} <= ids <= {stays.config_digest, comes.config_digest}
    dest.unlink()
    return "both" if len(ids) == 2 else "one"
