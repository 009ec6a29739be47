"""``layout inspect``: what is inside."""

from __future__ import annotations

import enum
import json
import shutil
import sys
from typing import Annotated, Any

import typer

from oci_layout.cli.text import shown, size_text, wrapped
from oci_layout.errors import UsageError


class Raw(enum.StrEnum):
    """A document whose exact bytes are wanted."""

    INDEX = "index"
    MANIFEST = "manifest"
    CONFIG = "config"


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Archive, layout, dir: directory or a lone manifest; - for standard input.",
            show_default=False,
        ),
    ],
    image: Annotated[
        list[str] | None, typer.Option(metavar="NAME|DIGEST", help="This image only; repeatable.")
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option(metavar="OS/ARCH", help="This platform only; repeatable.")
    ] = None,
    raw: Annotated[
        Raw | None, typer.Option(help="Print the exact bytes of the one index, manifest, config.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Show the whole history of each image.")
    ] = False,
    tmp: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory for temporary files.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Show what is inside: images, platforms, layers, config. No layer is read."""
    del debug  # read by the main module, before anything can fail
    if raw is not None and as_json:
        raise UsageError(what="--raw prints bytes, --json a report")
    from oci_layout import api  # noqa: PLC0415  keeps the start of the command fast

    images, platforms = tuple(image or ()), tuple(platform or ())
    if raw is not None:
        data = api.inspect_raw(source, raw.value, images=images, platforms=platforms, tmp=tmp)
        sys.stdout.buffer.write(data)
        return
    value = api.inspect(source, images=images, platforms=platforms, tmp=tmp)
    if as_json:
        print(json.dumps({"version": 1, **value}, indent=2))
        return
    width = max(40, shutil.get_terminal_size().columns)
    print("\n".join(render(value, width, history=history)))


def render(value: dict[str, Any], width: int, *, history: bool) -> list[str]:
    """The tree as lines for people.

    Args:
        value: what ``inspection.tree`` made.
        width: columns of the terminal.
        history: whether to show whole histories.
    """
    packed = "" if value["compression"] == "none" else f", {value['compression']}-compressed"
    form = "archive" if value["archive"] else "directory"
    lines = [f"{shown(value['source'])}: {value['kind']} ({form}{packed})"]
    if value["writer"]:
        lines += wrapped(f"probably by {value['writer']}", width, "  ", "    ")
    for finding in value["findings"]:
        text = f"{finding['severity']} {finding['code']}: {finding['message']}"
        lines += wrapped(shown(text), width, "  ", "    ")
    for root in value["images"]:
        names = ", ".join(shown(name) for name in root["names"]) or "(no name)"
        lines += ["", *wrapped(names, width, "", "    ")]
        lines += _node(root, "  ", width, history=history)
    shared = f", {size_text(value['shared_bytes'])} shared" if value["shared_bytes"] else ""
    lines += ["", f"{value['layers']} layers, {size_text(value['layer_bytes'])}{shared}"]
    return lines


def _node(node: dict[str, Any], indent: str, width: int, *, history: bool) -> list[str]:
    digest = node.get("digest")
    what = f"{node['type']} {digest.partition(':')[2][:12]}" if digest else node["type"]
    if node["type"] == "index":
        lines = wrapped(f"{what}  {node['media_type']}", width, indent, indent + "    ")
        for child in node["children"]:
            lines += _node(child, indent + "  ", width, history=history)
        return lines
    if node["type"] == "image":
        return _image(node, indent, width, history=history)
    detail = ""
    if node["type"] == "artifact":
        kind = "attestation" if node["attestation"] else node["artifact_type"]
        about = f" about {node['subject'].partition(':')[2][:12]}" if node.get("subject") else ""
        detail = f"{kind}{about}"
    elif node["type"] == "absent":
        platform = f"{node['platform']}, " if "platform" in node else ""
        detail = f"{platform}not in the source"
    return wrapped(shown(f"{what}  {detail}".rstrip()), width, indent, indent + "    ")


def _image(node: dict[str, Any], indent: str, width: int, *, history: bool) -> list[str]:
    digest = node.get("digest", "").partition(":")[2][:12]
    head = f"{shown(node['platform'])}  "
    head += f"manifest {digest} ({node['family'] or 'schema 1'})" if digest else "no manifest"
    lines = wrapped(head, width, indent, indent + "    ")
    deeper = indent + "  "
    identity = node["image_id"].partition(":")[2][:12] if node["image_id"] else "none yet"
    facts = [f"image ID {identity}"]
    if node.get("made_from"):
        facts.append(f"made from {node['made_from']}")
    if node["created"]:
        facts.append(f"created {node['created']}")
    facts += [f"{key} {_plain(item)}" for key, item in node["config"].items()]
    if node["env"]:
        facts.append(f"{node['env']} Env")
    if node["labels"]:
        facts.append(f"{len(node['labels'])} labels")
    if node["healthcheck"]:
        facts.append("HEALTHCHECK")
    for fact in facts:
        lines += wrapped(shown(fact), width, deeper, deeper + "    ")
    for number, layer in enumerate(node["layers"]):
        lines += _layer(number, layer, deeper, width)
    if history:
        for line in node["history"]:
            empty = "(empty) " if line.get("empty_layer") is True else ""
            text = f"{empty}{line.get('created_by') or line.get('comment') or '?'}"
            lines += wrapped(shown(text), width, deeper + "- ", deeper + "    ")
    return lines


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _layer(number: int, layer: dict[str, Any], indent: str, width: int) -> list[str]:
    packed = (layer["compression"] or layer["labelled"] or "").replace("none", "raw")
    labelled = layer["labelled"]
    if labelled is not None and layer["compression"] not in (None, labelled):
        packed += f" (labelled {labelled.replace('none', 'raw')})"
    if not layer["present"]:
        packed += ", not in the source"
    identity = (layer["diff_id"] or layer["digest"] or "").partition(":")[2][:12] or "?"
    text = f"{number}  {identity}  {size_text(layer['size'])}  {packed}"
    made = " ".join(str(layer["created_by"]).split())
    room = width - len(indent) - len(text) - 2
    if made and room > 12:
        made = shown(made)
        text += "  " + (made if len(made) <= room else made[: room - 3] + "...")
    return [indent + text]
