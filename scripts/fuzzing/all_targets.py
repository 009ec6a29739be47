"""Every target by its name."""

from __future__ import annotations

from scripts.fuzzing.deltas import DELTAS
from scripts.fuzzing.documents import DOCUMENTS
from scripts.fuzzing.streams import STREAMS
from scripts.fuzzing.targets import Target
from scripts.fuzzing.texts import TEXTS
from scripts.fuzzing.verbs import VERBS

TARGETS: dict[str, Target] = {
    target.name: target for target in (*VERBS, *DOCUMENTS, *STREAMS, *DELTAS, *TEXTS)
}
