"""Every target by its name."""

from __future__ import annotations

from scripts.fuzzing.parsers import DOCUMENTS, KEYS, STREAMS, TEXTS
from scripts.fuzzing.targets import Target
from scripts.fuzzing.verbs import VERBS

TARGETS: dict[str, Target] = {
    target.name: target for target in (*VERBS, *DOCUMENTS, *KEYS, *STREAMS, *TEXTS)
}
