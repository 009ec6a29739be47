"""One image as lines for people: its config, its layers, their files, its history."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Any

from oci_layout.cli.cells import cells, clipped, folded, left, right
from oci_layout.cli.text import shown, size_text
from oci_layout.counting import plural

_LABEL = 10  # columns of "manifest  "
_WIDE = 100  # columns from which digests are shown whole
_LONG = 3  # lines that a command may take
_FRACTION = re.compile(r"(T\d\d:\d\d:\d\d)\.\d+")
# What builders put around the line of the Dockerfile.
_AROUND = (
    (re.compile(r"^/bin/sh -c #\(nop\)\s*"), ""),
    (re.compile(r"^(RUN )?/bin/sh -c "), "RUN "),
    (re.compile(r"\s*# buildkit$"), ""),
    (re.compile(r"\b((?:dir|file|multi):[0-9a-f]{12})[0-9a-f]{52}\b"), r"\1"),
)
_COUNTED = {
    "files": "file",
    "directories": "folder",
    "symlinks": "symbolic link",
    "hardlinks": "hard link",
    "devices": "device",
    "fifos": "FIFO",
    "others": "other",
}


def short(digest: str) -> str:
    """A digest as people quote it."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"


def bare(digest: str) -> str:
    """The beginning of a digest, where it is clear what it is."""
    return digest.partition(":")[2][:12]


def row(label: str, text: str, indent: str, width: int, *, lines: int = 0) -> list[str]:
    """A label and its text.

    Args:
        label: at most eight columns.
        text: printable.
        indent: spaces before the label.
        width: columns of the terminal.
        lines: as many at most; 0 for all.
    """
    hanging = indent + " " * (_LABEL if width >= 60 else 4)
    return folded(text, width, indent + label.ljust(_LABEL), hanging, lines=lines)


class ImageLines:
    """Writes images.

    Args:
        width: columns of the terminal.
        history: whether to show whole histories.
        alone: whether there is nothing but a manifest, so that no blob can be missed.
    """

    def __init__(self, width: int, *, history: bool, alone: bool) -> None:
        self._width, self._history, self._alone = width, history, alone

    def lines(self, image: dict[str, Any], indent: str) -> list[str]:
        """The image, its platform first.

        Args:
            image: as ``inspection.nodes`` makes it.
            indent: spaces before each line.
        """
        platform = shown(image["platform"] or "platform unknown")
        lines = folded(platform, self._width, indent, indent)
        indent += "  "
        for label, text in self._facts(image):
            lines += row(label, shown(text), indent, self._width, lines=_LONG)
        for warning in _warnings(image):
            lines += folded(shown(warning), self._width, indent + "! ", indent + "  ")
        lines += self._layers(image, indent)
        if self._history:
            lines += self._whole_history(image, indent)
        return lines

    def _digest(self, digest: str) -> str:
        """Whole where there is room for it."""
        return digest if self._width >= _WIDE else short(digest)

    def _facts(self, image: dict[str, Any]) -> Iterable[tuple[str, str]]:
        yield "manifest", self._manifest(image)
        config = image["config"]
        if image["image_id"] is not None:
            absent = "" if config is not None else ", its config is not here"
            yield "image ID", self._digest(image["image_id"]) + absent
        if image["made_from"]:
            yield "image ID", "none yet: layout repack makes a config of these old documents"
        if config is None:
            return
        if config["created"]:
            yield "created", _FRACTION.sub(r"\1", config["created"])
        command = [*config["entrypoint"], *config["cmd"]]
        if command:
            yield "command", shlex.join(command)
        for label, key in (("user", "user"), ("workdir", "working_dir")):
            if config[key]:
                yield label, config[key]
        if config["env"]:
            yield "env", plural(len(config["env"]), "variable")
        if config["exposed_ports"]:
            yield "ports", ", ".join(config["exposed_ports"])
        if config["volumes"]:
            yield "volumes", ", ".join(config["volumes"])
        if config["labels"]:
            pairs = ", ".join(f"{key}={value}" for key, value in config["labels"].items())
            yield "labels", f"{len(config['labels'])}: {pairs}"
        if config["docker_extras"]:
            yield "extras", f"{', '.join(config['docker_extras'])} (Docker's, not in OCI)"

    def _manifest(self, image: dict[str, Any]) -> str:
        if image["digest"] is None:
            return "none: older than manifests" if image["made_from"] else "none in this source"
        text = self._digest(image["digest"])
        schema1 = image["schema1"]
        if schema1 is not None:
            name = f", calls itself {schema1['name']}:{schema1['tag']}" if schema1["name"] else ""
            signed = (
                plural(schema1["signatures"], "signature") if schema1["signatures"] else "unsigned"
            )
            return f"{text}, schema 1, {signed}{name}"
        family = {"docker": "Docker", "oci": "OCI"}.get(image["family"] or "", "not used")
        mixed = _mixed(image)
        return f"{text}, {family}{mixed}"

    def _layers(self, image: dict[str, Any], indent: str) -> list[str]:
        layers = image["layers"]
        sizes = [layer["size"] for layer in layers if layer["size"] is not None]
        total = size_text(sum(sizes)) if sizes else "sizes not stated"
        lines = row("layers", f"{len(layers)}, {total}" if layers else "none", indent, self._width)
        indent += "  "
        rows = [
            (
                str(layer["number"]),
                _identity(layer),
                size_text(layer["size"]) if layer["size"] is not None else "",
                self._packed(layer),
            )
            for layer in layers
        ]
        widths = [max((cells(each[n]) for each in rows), default=0) for n in range(4)]
        for layer, (number, identity, size, packed) in zip(layers, rows, strict=True):
            begin = indent + "  ".join(
                (
                    right(number, widths[0]),
                    left(identity, widths[1]),
                    right(size, widths[2]),
                    left(packed, widths[3]),
                )
            )
            made = shown(_made_by(layer["created_by"] or ""))
            room = self._width - cells(begin) - 2
            lines.append(f"{begin}  {clipped(made, room)}" if made and room >= 12 else begin)
            below = indent + " " * (widths[0] + 2)
            for warning in self._layer_warnings(layer):
                lines += folded(shown(warning), self._width, below + "! ", below + "  ")
            if layer.get("files") is not None:
                lines += self._files(layer["files"], below)
        return [line.rstrip() for line in lines]

    def _packed(self, layer: dict[str, Any]) -> str:
        packed = layer["compression"] or layer["labelled"] or ""
        words = ["raw" if packed == "none" else packed]
        words += [word for word in ("encrypted", "foreign") if layer[word]]
        return " ".join(words)

    def _layer_warnings(self, layer: dict[str, Any]) -> Iterable[str]:
        if layer["mislabelled"]:
            labelled, actual = (
                "raw" if layer[key] == "none" else layer[key] for key in ("labelled", "compression")
            )
            yield f"labelled {labelled}, and is {actual}: containerd goes by the label"
        if not layer["present"] and not self._alone:
            urls = layer["urls"]
            yield f"not in this source; from {urls[0]}" if urls else "not in this source"

    def _files(self, files: dict[str, Any], indent: str) -> list[str]:
        counts = [
            plural(files[key], word)
            for key, word in _COUNTED.items()
            if files[key] and word != "other"
        ]
        counts += [f"{files['others']} other"] if files["others"] else []
        text = ", ".join(counts) or "no files"
        if files["files"]:
            text += f"; {size_text(files['bytes'])}"
        lines = folded(text, self._width, indent, indent + "  ")
        removed = [plural(files["whiteouts"], "whiteout")] if files["whiteouts"] else []
        if files["opaque"]:
            removed.append(plural(files["opaque"], "opaque folder"))
        if removed:
            text = f"{' and '.join(removed)}: removes what lower layers have"
            lines += folded(text, self._width, indent, indent + "  ")
        if not files["whole"]:
            text = "! damaged: this is what stands before the damage"
            lines += folded(text, self._width, indent, indent + "  ")
        sizes = [size_text(file["size"]) for file in files["largest"]]
        widest = max(map(len, sizes), default=0)
        for size, file in zip(sizes, files["largest"], strict=True):
            begin = f"{indent}{right(size, widest)}  "
            path = shown(file["path"])
            lines.append(begin + clipped(path, max(8, self._width - cells(begin))))
        return lines

    def _whole_history(self, image: dict[str, Any], indent: str) -> list[str]:
        lines = row("history", plural(len(image["history"]), "line"), indent, self._width)
        indent += "  "
        digits = len(str(max(len(image["layers"]) - 1, 0)))
        for line in image["history"]:
            number = "-" if line["layer"] is None else str(line["layer"])
            begin = f"{indent}{right(number, digits)}  "
            text = line["created_by"] or line["comment"] or "?"
            lines += folded(shown(text), self._width, begin, " " * (len(begin) + 2))
        return lines


def _identity(layer: dict[str, Any]) -> str:
    """The beginning of the diff_id, or of whatever else a layer is called by."""
    digest = layer["diff_id"] or layer["digest"]
    return bare(digest) if digest else shown((layer["member"] or "?").partition("/")[0])[:12]


def _mixed(image: dict[str, Any]) -> str:
    """A word for manifests that speak two vocabularies."""
    other = {"oci": "application/vnd.docker.", "docker": "application/vnd.oci."}
    beginning = other.get(image["family"] or "")
    if beginning is None:
        return ""
    named = [image["config"]["media_type"] if image["config"] is not None else None]
    named += [layer["media_type"] for layer in image["layers"]]
    if any(name is not None and name.startswith(beginning) for name in named):
        return " with media types of Docker" if image["family"] == "oci" else " with types of OCI"
    return ""


def _warnings(image: dict[str, Any]) -> Iterable[str]:
    if image["platforms_differ"]:
        yield f"the index says {image['platform']}, the config {image['config_platform']}"


def _made_by(text: str) -> str:
    text = " ".join(text.split())
    for pattern, new in _AROUND:
        text = pattern.sub(new, text)
    return text
