"""One source of a shelf: what a worker is given, does, and gives back. All of it can be pickled.

A worker may be a process, a thread, or a machine with the same file system.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Sequence
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.batchlines.kinds import Status
from oci_layout.disk.shifting import new_stage
from oci_layout.errors import LayoutError, NotAnImageError, StaleError, of_machine
from oci_layout.finding import Finding, Severity
from oci_layout.inspection.request import Inspect
from oci_layout.model.reporttext import json_text, on_one_line
from oci_layout.plan.namerules import Rule
from oci_layout.plan.request import Repack
from oci_layout.shelf import marks
from oci_layout.shelf.layerindex import LayerIndex
from oci_layout.shelf.warned import Warned, of_source
from oci_layout.verification.report import Verdict, VerifyReport
from oci_layout.verification.request import Verify
from oci_layout.where import elided

_INTERNAL = 8  # exit status of an exception that is not ours
_FOUND = 1  # of what was found


@attrs.frozen(kw_only=True)
class Task:
    """What is to be done with one source.

    Args:
        number: of the source in its run.
        source: as the user called it.
        request: what is asked of it: a ``Verify``, ``Repack`` or ``Inspect``.
        files: that it is made of.
        sure: whether it must be a source.
        strict: whether warnings count.
        stage: folder that takes results until they get their places; empty where they are written
            straight to theirs, or without a result.
        stage_name: what the result is called there.
        result: what it is called in reports.
        digest: of what it held before; None where nobody asks for it.
        packed_index: folder in which layers are remembered; None for nowhere. What is packed is
            told of from the folder that the folder of what is known is in.
        placed: path that the result gets.
    """

    number: int
    source: str
    request: Verify | Repack | Inspect
    files: tuple[str, ...]
    sure: bool = False
    strict: bool = False
    stage: str = ""
    stage_name: str = ""
    result: str = ""
    digest: str | None = None
    packed_index: str | None = None
    placed: str = ""

    def from_root(self) -> Task:
        """The same, for a worker that is in another folder."""
        return attrs.evolve(
            self,
            source=os.path.abspath(self.source),
            files=tuple(map(os.path.abspath, self.files)),
            stage=self.stage and os.path.abspath(self.stage),
            packed_index=self.packed_index and os.path.abspath(self.packed_index),
        )


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it.

    Args:
        status: what became of the source.
        exit_status: that the verb alone would have had.
        error: the first that went wrong; empty for nothing.
        report: of the verb, as JSON on one line, packed by zlib.
        left_out: bytes of the report, where it is too long.
        seconds: taken.
        digest: of what the source holds; empty where nobody asked.
        staged: where the result lies; empty without one.
        warned: what it warns of, where it is done.
        used: the rules for names that had something to do in it.
    """

    status: Status
    exit_status: int = 0
    error: str = ""
    report: bytes = b""
    left_out: int = 0
    seconds: float = 0.0
    digest: str = ""
    staged: str = ""
    warned: tuple[Warned, ...] = ()
    used: tuple[str, ...] = ()


def do(task: Task) -> Outcome:
    """Do what is to be done with one source. Nothing that fails is raised.

    Args:
        task: what to do.
    """
    began = time.monotonic()
    digest = ""
    try:
        if task.digest is not None:
            digest = marks.digest_of(task.files)
        if digest and digest == task.digest:
            outcome = Outcome(status=Status.UNCHANGED)
        else:
            outcome = _done(task)
    except NotAnImageError as error:
        status = Status.FAILED if task.sure else Status.NO_IMAGE
        outcome = Outcome(
            status=status, exit_status=error.exit_status, error=_named(task, str(error))
        )
    except LayoutError as error:
        outcome = _failed(task, error.exit_status, _of(task, str(error)))
    except Exception as error:  # noqa: BLE001  of one source: the others go on
        known = of_machine(error)
        if known is not None:
            outcome = _failed(task, known.exit_status, f"{task.source}: {known}")
        else:
            text = f"{task.source}: internal failure: {type(error).__name__}: {error}"
            outcome = _failed(task, _INTERNAL, elided(text))
    return attrs.evolve(outcome, seconds=time.monotonic() - began, digest=digest)


def _failed(task: Task, exit_status: int, error: str) -> Outcome:
    return Outcome(status=Status.FAILED, exit_status=exit_status, error=_named(task, error))


def _of(task: Task, text: str) -> str:
    """A text that says whose it is: what is about a choice or a name has no file of its own."""
    return text if task.source in text else f"{task.source}: {text}"


def _named(task: Task, text: str) -> str:
    """A text with the place of the result in it, and not where it lies meanwhile."""
    if not task.stage:
        return text
    name = re.escape(task.stage_name)
    return re.sub(f"{re.escape(task.stage)}/[^/]+/{name}", lambda _: task.result, text)


def _done(task: Task) -> Outcome:
    # Only workers need these: the main process of an unchanged shelf is done before they are there.
    from oci_layout.api.conversion import repack  # noqa: PLC0415
    from oci_layout.api.inspection import inspect  # noqa: PLC0415
    from oci_layout.api.verification import verify  # noqa: PLC0415

    request = task.request
    index = _index(task)
    if isinstance(request, Verify):
        return _verified(task, verify(task.source, request, remembered=index))
    if isinstance(request, Inspect):
        shown = inspect(task.source, request)
        return attrs.evolve(_told(shown), warned=_warned(task, shown.findings))
    staged = ""
    if task.stage:
        staged = os.path.join(new_stage(task.stage, str(task.number)), task.stage_name)
    dest = staged or task.placed
    used: set[Rule] = set()
    try:
        report = repack(task.source, dest, request, remembered=index, used=used)
    except StaleError:  # layers of earlier results are not what they were: do without them
        if index is not None:
            index.distrust()
        report = repack(task.source, dest, request, used=used)
    if index is not None:
        index.placed(dest, task.placed)
    outcome = _told(attrs.evolve(report, destination=task.result))
    return attrs.evolve(
        outcome,
        staged=staged,
        warned=_warned(task, report.warnings),
        used=tuple(sorted(map(str, used))),
    )


def _index(task: Task) -> LayerIndex | None:
    if task.packed_index is None:
        return None
    known = os.path.dirname(task.packed_index)
    return LayerIndex(task.packed_index, os.path.dirname(known))


def _warned(task: Task, findings: Sequence[Finding]) -> tuple[Warned, ...]:
    return of_source(findings, lambda each: elided(_named(task, _of(task, str(each)))))


def _verified(task: Task, report: VerifyReport) -> Outcome:
    outcome = _told(report.to_json(strict=task.strict))
    if report.verdict(strict=task.strict) is Verdict.SOUND:
        return attrs.evolve(outcome, warned=_warned(task, report.findings))
    counts = {Severity.ERROR, Severity.WARNING} if task.strict else {Severity.ERROR}
    first = next(each for each in report.findings if each.severity in counts)
    error = f"{report.source}: {first.code}: {first}"
    return attrs.evolve(outcome, status=Status.FAILED, exit_status=_FOUND, error=elided(error))


def _told(report: Any) -> Outcome:
    text = on_one_line(json_text(report)).encode("ascii")
    if len(text) > limits.REPORTED_BYTES:
        return Outcome(status=Status.DONE, left_out=len(text))
    return Outcome(status=Status.DONE, report=zlib.compress(text, 1))
