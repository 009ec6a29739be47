"""``layout repack``: the main job."""

from __future__ import annotations

import itertools
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

import oci_layout
from oci_layout.cli import options
from oci_layout.cli.beside import side_file
from oci_layout.cli.cells import columns, wrapped
from oci_layout.cli.options import AsJson, Output, Quiet, ReportFile, Source
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import abridged, error_line, finding_line, short, shown, size_text
from oci_layout.cli.volumelines import volume_lines
from oci_layout.counting import plural
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import UsageError
from oci_layout.model.reporttext import json_text
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.report import ArtifactReport, ImageReport, LayerReport, Report
from oci_layout.plan.request import Repack

if TYPE_CHECKING:
    from oci_layout.api.words import Progress


EXAMPLES = (
    "layout repack saved.tar --to oci -o oci.tar",
    "layout repack other.tar --to oci -o folder --append",
    "layout repack folder --to docker --image hello:1 -o hello.tar",
)


def repack(
    source: Source,
    output: Output,
    request: Repack,
    as_json: AsJson = False,
    report: ReportFile = None,
    quiet: Quiet = False,
) -> None:
    """Convert images: docker save to OCI, OCI to docker load, any to any.

    Every digest, size and diff_id is checked on the way. What need not change is copied byte
    for byte; what has to change is reported. Exit status: 0 written, 3 no image or damaged, 4 no
    such image, 5 the destination, 6 the format cannot hold it; layout --help lists all.
    """
    if output is None and not request.dry_run:
        raise UsageError(what="-o DEST is needed", hint="or --dry-run")
    convert(
        lambda verbs, progress: verbs.repack(source, output, request, progress=progress),
        Printing(output=output, as_json=as_json, report=report, quiet=quiet),
        source,
    )


command = options.command(repack)


@attrs.frozen(kw_only=True)
class Printing:
    """Where the result and its report go.

    Args:
        output: the destination, as the user called it.
        as_json: one JSON document on standard output.
        report: file for the JSON document.
        quiet: no table.
    """

    output: str | None
    as_json: bool
    report: str | None
    quiet: bool

    def require_room(self) -> None:
        """Refuse two things on standard output, and an archive on a terminal.

        Raises:
            UsageError: that would be.
        """
        if self.output == "-" and sys.stdout.isatty():
            raise UsageError(what="an archive on a terminal", hint="redirect it, or -o x.tar")
        if self.output == "-" and self.as_json:
            what = "--json and -o - both want standard output"
            raise UsageError(what=what, hint="-o x.tar, or --report FILE where there is one")


def convert(run: Callable[[Any, Progress | None], Report], to: Printing, *sources: str) -> None:
    """Run a conversion, and print its report.

    Args:
        run: is given the calls of the package, and what is told how far the work is.
        to: where all goes.
        sources: what is read.

    Raises:
        UsageError: standard output would be used twice, or is a terminal.
    """
    to.require_room()
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with heard(), side_file("--report", to.report, *sources, output=to.output) as file:
        with Bar(quiet=to.quiet) as progress:
            result = run(oci_layout, progress)
        print_report(result, to, file)  # the bar is gone by now


class _Heard(logging.Handler):
    """Shows what the package tells of while it waits for something."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        show([error_line(record.getMessage())], error=True)


@contextmanager
def heard() -> Iterator[None]:
    """Show what the package tells of while it waits for something."""
    log, handler = logging.getLogger("oci_layout"), _Heard()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def print_report(result: Report, to: Printing, file: SideFile | None) -> None:
    """Print a conversion's report where it was asked for.

    Args:
        result: what was done.
        to: where it goes.
        file: takes the JSON document; None where none was asked for.
    """
    for warning in result.warnings:
        show([finding_line(warning)], error=True)
    if file is not None:
        file.write(f"{json_text(result.to_json())}\n".encode())
    if to.as_json:
        show_json(result.to_json())
    elif not to.quiet:
        width = max(40, shutil.get_terminal_size().columns)
        show(render(result, width), error=to.output == "-")


def render(result: Report, width: int) -> list[str]:
    """The report as lines for people.

    Args:
        result: what was done.
        width: columns of the terminal.
    """
    lines = wrapped(f"{shown(result.source)}: {result.source_kind}", width, "", "    ")
    for image in result.images:
        lines += ["", *_image(image, width, dry_run=result.dry_run)]
    for artifact in result.artifacts:
        lines += ["", *_artifact(artifact, width)]
    if result.changes:
        lines.append("")
        for change in result.changes:
            lines += wrapped(shown(str(change)), width, "", "  ")
    lines += ["", *_unchecked(result, width)]
    if result.dry_run:
        text = f"would write: {result.destination_kind}; nothing was written"
        lines += wrapped(text, width, "", "  ")
    else:
        lines += wrapped(done_line(result), width, "", "  ")
    if any(layer.action == "left out" for image in result.images for layer in image.layers):
        text = "thin: load what has the layers that are left out first, then this"
        lines += wrapped(text, width, "", "  ")
    if any(layer.delta is not None for image in result.images for layer in image.layers):
        text = "delta: no engine loads this as it is; layout repack --base completes it first"
        lines += wrapped(text, width, "", "  ")
    if result.volumes:
        lines += volume_lines(result.volumes, width)
    if result.destination_note:
        lines += wrapped(f"({result.destination_note})", width, "  ", "  ")
    return lines


_ADDED = 6  # entries that an append has added and that are shown


def done_line(result: Report) -> str:
    """What has happened at the destination."""
    where = shown(result.destination)
    took = f"{size_text(result.bytes_written or 0)} in {result.seconds:.1f} s"
    if result.volumes:
        count = plural(len(result.volumes), "volume")
        return f"wrote {where}: {count}, {result.destination_kind}, {took}"
    if result.added is None:
        return f"wrote {where}: {result.destination_kind}, {took}"
    if not result.added and result.bytes_written:
        return f"added to {where}: blobs that were missing there, {took}"
    if not result.added:
        return f"added nothing to {where}: nothing of the source is new there"
    names = ", ".join(map(abridged, result.added[:_ADDED]))
    more = len(result.added) - _ADDED
    return f"added to {where}: {names}{f' and {more} more' if more > 0 else ''}, {took}"


def _unchecked(result: Report, width: int) -> list[str]:
    """What was believed and not checked, as asked."""
    count = result.linked + result.cloned
    if count:
        text = f"linked, not copied: {plural(count, 'blob')}, of which only the size was checked"
        if result.linked:
            text += "; source and result share files: who changes one in place changes both"
        return wrapped(text, width, "", "  ")
    packed = any(
        layer.action == "kept" and layer.compression != "none"
        for image in result.images
        for layer in image.layers
    )
    if result.check == "digests" and packed and not result.dry_run:
        return wrapped("layers that were kept packed were not unpacked", width, "", "  ")
    return []


def _image(image: ImageReport, width: int, *, dry_run: bool) -> list[str]:
    names = [shown(name) for name in image.names] or ["(no name)"]
    lines = wrapped(f"{', '.join(names)}  {shown(str(image.platform))}", width, "", "    ")
    if image.image_id_before is None:
        image_id = f"{short(image.image_id_after)}  new, the source had none"
    elif not image.config_changes:
        image_id = f"{short(image.image_id_before)}  kept"
    else:
        image_id = f"{short(image.image_id_before)} -> {short(image.image_id_after)}"
    if image.manifest_after is None:
        manifest = "known once the layers are written" if dry_run else "none in this form"
    elif image.manifest_before is None:
        manifest = f"{short(image.manifest_after)}  new, the source had none"
    elif image.manifest_before == image.manifest_after:
        manifest = f"{short(image.manifest_after)}  kept"
    else:
        manifest = f"{short(image.manifest_before)} -> {short(image.manifest_after)}"
    rows = [("image ID", image_id), ("manifest", manifest), ("layers", _layers(image.layers))]
    lines += columns(rows, "  ")
    lines += _left_out(image.layers, width)
    lines += delta_lines(image.layers, width)
    for change in _grouped((*image.config_changes, *image.changes)):
        lines += wrapped(shown(change), width, "  ", "    ")
    return lines


def _artifact(artifact: ArtifactReport, width: int) -> list[str]:
    inside = f"(in {', '.join(map(shown, artifact.inside))})" if artifact.inside else "(no name)"
    names = ", ".join(map(shown, artifact.names)) or inside
    lines = wrapped(f"{names}  {shown(artifact.kind)}, no image", width, "", "    ")
    before, after = artifact.manifest_before, artifact.manifest_after
    if after is None:
        text = "known once the layers are written"
    else:
        text = f"{short(after)}  kept" if before == after else f"{short(before)} -> {short(after)}"
    return lines + columns([("manifest", text)], "  ")


def _grouped(changes: tuple[Change, ...]) -> list[str]:
    """One line for all that was dropped, then the others."""
    kind = ChangeKind.DROPPED
    dropped = ", ".join(change.what for change in changes if change.kind is kind)
    rest = [str(change) for change in changes if change.kind is not kind]
    return ([str(Change(kind, dropped))] if dropped else []) + rest


def _left_out(layers: tuple[LayerReport, ...], width: int) -> list[str]:
    """What the other side has to have, and what brings it."""
    those = [layer for layer in layers if layer.action == "left out"]
    if not those:
        return []
    size = size_text(sum(layer.size_after or 0 for layer in those))
    owners = dict.fromkeys(layer.expected_from for layer in those if layer.expected_from)
    named = ", ".join(map(abridged, itertools.islice(owners, _OWNERS)))
    more = len(owners) - _OWNERS
    named += f" and {more} more" if more > 0 else ""
    text = f"left out: {plural(len(those), 'layer')}, {size}; there with {named or 'other blobs'}"
    return wrapped(text, width, "  ", "    ")


def delta_lines(layers: tuple[LayerReport, ...], width: int) -> list[str]:
    """What each delta comes to, and which images it is made from.

    Args:
        layers: of an image.
        width: columns of the terminal.
    """
    lines = []
    for number, layer in enumerate(layers):
        delta = layer.delta
        if delta is None:
            continue
        names = ", ".join(map(abridged, delta.images[:_OWNERS])) or "old layers"
        text = (
            f"layer {number}: {size_text(layer.size_before)} as a delta of "
            f"{size_text(delta.size)} against {names}, {delta.seconds:.1f} s"
        )
        lines += wrapped(text, width, "  ", "    ")
    return lines


_OWNERS = 4  # images that are shown


def _layers(layers: tuple[LayerReport, ...]) -> str:
    if not layers:
        return "none"
    parts = []
    for action in ("kept", "re-encoded", "left out", "delta", "absent"):
        those = [layer for layer in layers if layer.action == action]
        if not those:
            continue
        encoder = {layer.encoder for layer in those if layer.encoder}
        packed = sorted({layer.compression.replace("none", "raw") for layer in those})
        detail = f" ({', '.join(packed)}{': ' + ', '.join(sorted(encoder)) if encoder else ''})"
        parts.append(f"{len(those)} {action}{detail}")
    before = sum(layer.size_before for layer in layers)
    sizes = [layer.size_after for layer in layers if layer.size_after is not None]
    text = ", ".join(parts) + f", {size_text(before)}"
    after = sum(sizes)
    return text + (
        f" -> {size_text(after)}" if len(sizes) == len(layers) and after != before else ""
    )
