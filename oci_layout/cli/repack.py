"""``layout repack``: the main job."""

from __future__ import annotations

import enum
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from oci_layout.cli.screen import json_text, show, show_json
from oci_layout.cli.text import columns, finding_line, short, shown, size_of, size_text, wrapped
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import UsageError
from oci_layout.plan.options import Format
from oci_layout.plan.report import ImageReport, LayerReport, Report


class ConfigMode(enum.StrEnum):
    """What may become of a config."""

    AUTO = "auto"
    KEEP = "keep"
    OCI = "oci"


class Algorithm(enum.StrEnum):
    """Of new blobs."""

    SHA256 = "sha256"
    SHA512 = "sha512"


class RepackCheck(enum.StrEnum):
    """How deep to look on the way."""

    FULL = "full"
    DIGESTS = "digests"


class Sparse(enum.StrEnum):
    """What becomes of entries whose blobs are absent."""

    PRUNE = "prune"
    KEEP = "keep"
    FAIL = "fail"


class Attestations(enum.StrEnum):
    """What becomes of what is attached to images."""

    KEEP = "keep"
    DROP = "drop"


class OnConflict(enum.StrEnum):
    """Who keeps a name when appending."""

    ERROR = "error"
    FIRST = "first"
    LAST = "last"


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="docker save archive, OCI layout or archive, dir: directory; - for standard input",
            show_default=False,
        ),
    ],
    to: Annotated[Format, typer.Option("--to", help="Format to write.", show_default=False)],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DEST",
            help="x.tar writes an archive, - one on standard output, other names a directory.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|DIGEST", help="Take this image only; repeatable."),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(metavar="OS/ARCH", help="Take this platform only; repeatable, or all."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="[OLD=]NEW", help="Name the image, or rename one; repeatable."),
    ] = None,
    compression: Annotated[
        str,
        typer.Option(
            metavar="HOW", help="auto, keep, none, gzip[:LEVEL] or zstd[:LEVEL] for the layers."
        ),
    ] = "auto",
    config: Annotated[
        ConfigMode,
        typer.Option(
            help="auto repairs an invalid config, keep never, oci drops all that is not OCI."
        ),
    ] = ConfigMode.AUTO,
    sparse: Annotated[
        Sparse, typer.Option(help="What an index lists and the source lacks: leave out, or not.")
    ] = Sparse.PRUNE,
    attestations: Annotated[
        Attestations, typer.Option(help="What is attached to images: signatures, SBOMs.")
    ] = Attestations.KEEP,
    digest: Annotated[
        Algorithm | None, typer.Option(help="Of new blobs; by default as in the source.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Believe the bytes where documents say otherwise.")
    ] = False,
    preserve_digests: Annotated[
        bool,
        typer.Option("--preserve-digests", help="Refuse what would change a manifest's digest."),
    ] = False,
    pure: Annotated[
        bool, typer.Option("--pure", help="Leave manifest.json out: OCI and nothing else.")
    ] = False,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="A Docker archive that Docker 1.0 to 1.9 read too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an archive or a clean layout at DEST.")
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to the layout at DEST.")] = False,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="Who keeps a name that --append finds taken.")
    ] = OnConflict.ERROR,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be done; write nothing.")
    ] = False,
    check: Annotated[
        RepackCheck,
        typer.Option(help="full; or digests: kept layers are not unpacked, diff_ids are believed."),
    ] = RepackCheck.FULL,
    link: Annotated[
        bool,
        typer.Option("--link", help="Link the blobs of a layout; only their sizes are checked."),
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="What layers may grow to past 200 times; default 8G."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Cores to use; all by default.")
    ] = None,
    tmp: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Directory for temporary files; default beside DEST."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document.")
    ] = False,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the JSON report to a file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Convert images: docker save to OCI, OCI to docker load, any to any.

    Every digest, size and diff_id is checked on the way. What need not change is copied byte
    for byte; what has to change is reported.
    """
    del debug  # read by the main module, before anything can fail
    if output is None and not dry_run:
        raise UsageError(what="-o DEST is needed", hint="or --dry-run")
    if output == "-" and sys.stdout.isatty():
        raise UsageError(what="an archive on a terminal", hint="redirect it, or -o x.tar")
    if output == "-" and as_json:
        raise UsageError(what="--json and -o - both want standard output", hint="--report FILE")
    from oci_layout import api  # noqa: PLC0415  keeps the start of the command fast
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with side_file(report, output, source) as file, Bar(quiet=quiet) as progress:
        result = api.repack(
            source,
            output,
            target=to.value,
            pure=pure,
            legacy=legacy,
            compression=compression,
            images=tuple(image or ()),
            platforms=tuple(platform or ()),
            names=tuple(name or ()),
            config=config.value,
            sparse=sparse.value,
            attestations=attestations.value,
            digest=digest.value if digest is not None else None,
            repair=repair,
            preserve_digests=preserve_digests,
            force=force,
            append=append,
            on_conflict=on_conflict.value,
            dry_run=dry_run,
            check=check.value,
            link=link,
            limit=size_of(limit),
            tmp=tmp,
            jobs=jobs,
            progress=progress,
        )
        print_report(result, output=output, as_json=as_json, report=file, quiet=quiet)


@contextmanager
def side_file(report: str | None, output: str | None, *sources: str) -> Iterator[SideFile | None]:
    """The file of --report, made before the work; None where none was asked for.

    Args:
        report: the file.
        output: what --output names; None for nothing.
        sources: what is read.
    """
    if report is None:
        yield None
        return
    with Outputs(*sources) as outputs:
        if output not in (None, "-"):
            outputs.look("--output", str(output))
        with SideFile("--report", report, outputs) as file:
            yield file


def print_report(
    result: Report, *, output: str | None, as_json: bool, report: SideFile | None, quiet: bool
) -> None:
    """Print a conversion's report where it was asked for.

    Args:
        result: what was done.
        output: the destination, as the user called it.
        as_json: one JSON document on standard output.
        report: takes the JSON document; None where none was asked for.
        quiet: no table.
    """
    for warning in result.warnings:
        show([finding_line(warning)], error=True)
    if report is not None:
        report.write(f"{json_text(result.to_json())}\n".encode())
    if as_json:
        show_json(result.to_json())
    elif not quiet:
        width = max(40, shutil.get_terminal_size().columns)
        show(render(result, width), error=output == "-")


def render(result: Report, width: int) -> list[str]:
    """The report as lines for people.

    Args:
        result: what was done.
        width: columns of the terminal.
    """
    lines = [f"{shown(result.source)}: {result.source_kind}"]
    for image in result.images:
        lines += ["", *_image(image, width, dry_run=result.dry_run)]
    if result.changes:
        lines.append("")
        for change in result.changes:
            lines += wrapped(shown(change), width, "", "  ")
    lines += ["", *_unchecked(result, width)]
    if result.dry_run:
        lines.append(f"would write: {result.destination_kind}; nothing was written")
    else:
        size = size_text(result.bytes_written or 0)
        lines += wrapped(
            f"wrote {shown(result.destination)}: {result.destination_kind}, {size} in "
            f"{result.seconds:.1f} s",
            width,
            "",
            "  ",
        )
    return lines


def _unchecked(result: Report, width: int) -> list[str]:
    """What was believed and not checked, as asked."""
    count = result.linked + result.cloned
    if count:
        files = f"{count} blobs are" if count > 1 else "1 blob is"
        text = f"{files} linked, not copied; of those only the sizes were checked"
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
    for change in _grouped((*image.config_changes, *image.changes)):
        lines += wrapped(shown(change), width, "  ", "    ")
    return lines


def _grouped(changes: tuple[str, ...]) -> list[str]:
    """One line for all that was dropped, then the others."""
    dropped = [text.removeprefix("dropped: ") for text in changes if text.startswith("dropped: ")]
    rest = [text for text in changes if not text.startswith("dropped: ")]
    return ([f"dropped: {', '.join(dropped)}"] if dropped else []) + rest


def _layers(layers: tuple[LayerReport, ...]) -> str:
    if not layers:
        return "none"
    parts = []
    for action in ("kept", "re-encoded", "absent"):
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
