"""What check predicts, held against what an engine does with the same file.

A cell is one file and one way of loading it. Where an engine and a rule disagree, the engine is
right.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import oci_layout
from oci_layout.targets.answer import Answer
from tests.interop.host import ENGINE_PATH
from tests.interop.seen import Seen, ask
from tests.interop.shown import HERE, Engine

# The nodes of kind have containerd: its versions by those of containerd.
KIND = {"1.6": "0.14", "1.7": "0.20", "2.1": "0.27"}

# What nobody can foretell: the engine does one or the other with the same file.
CHANCE = {"flat-platforms", "link-chain", "name-collected", "unpacked-at-once"}


def target_of(way: str, version: str) -> str:
    """The target that a way of loading stands for."""
    match = re.match(r"\d+(\.\d+)*", version)
    assert match is not None
    engine, _, variant = way.partition("+")
    if engine == "docker-c8d":
        engine, variant = "docker", "containerd"
    number = match[0] if engine != "kind" else KIND[".".join(match[0].split(".")[:2])]
    return f"{engine}@{number}" + (f"+{variant}" if variant else "")


def foretold(path: Path, target: str, *, full: bool) -> Answer:
    report = oci_layout.check(str(path), targets=target, platform=f"linux/{HERE}", full=full)
    (answer,) = report.answers
    return answer


def has_xz(engine: Engine) -> bool:
    """Whether the engine's host has the program that unpacks xz."""
    top = engine.host.root or Path("/")
    return any((top / folder[1:] / "xz").exists() for folder in ENGINE_PATH.split(":"))


def expected(answer: Answer, engine: Engine) -> bool:
    """Whether it loads on this very host."""
    if any(note.rule.code == "needs-xz" for note in answer.notes) and not has_xz(engine):
        return False
    return answer.loads


def difference(answer: Answer, seen: Seen, engine: Engine) -> str:
    """What the engine does otherwise than was foretold; empty when both agree."""
    loads = expected(answer, engine)
    reasons = [f"{each.rule.code}: {each.message}" for each in answer.reasons]
    if loads != seen.loads:
        return f"foretold {loads} {reasons}, seen {seen.loads}: {seen.said[-500:]}"
    if not loads:
        return ""
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
    names = {
        name.replace("YYYY-MM-DD", today): image.image_id
        for image in answer.images
        for name in image.names
    }
    # Where only the layers tell an ID, names are all that is foretold.
    known = {name: str(found) for name, found in names.items() if found is not None}
    unknown = {re.sub("@.*", "", name) for name, found in names.items() if found is None}
    shown = {name: found for name, found in seen.names.items() if name in known}
    others = {re.sub("@.*", "", name) for name in seen.names.keys() - known.keys()}
    if shown != known or others != unknown:
        return f"foretold {names}, seen {seen.names}"
    ids = {str(image.image_id) for image in answer.images if image.image_id is not None}
    if not unknown and all(image.image_id is not None for image in answer.images):
        return "" if ids == seen.ids else f"foretold {ids}, seen {set(seen.ids)}"
    return "" if ids <= seen.ids else f"foretold {ids}, seen {set(seen.ids)}"


def held(path: Path, engine: Engine, version: str, *, full: bool) -> tuple[int, list[str]]:
    """How many cells an engine has for a file, and what is wrong in which."""
    wrong = []
    cells = 0
    for way, seen in ask(engine, path).items():
        target = target_of(way, version)
        answer = foretold(path, target, full=full)
        if CHANCE & {each.rule.code for each in answer.reasons}:
            continue
        cells += 1
        if text := difference(answer, seen, engine):
            wrong.append(f"{target}: {text}")
    return cells, wrong
