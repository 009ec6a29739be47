"""What the config of an image says, in the types that belong there."""

from __future__ import annotations

from typing import Any

from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image
from oci_layout.inspection.report import ConfigReport, HistoryLine
from oci_layout.model import jsontext
from oci_layout.model.gojson import fold
from oci_layout.source.reading import read_bounded
from oci_layout.where import Where


def config_fields(image: Image) -> dict[str, Any]:
    """The config as a JSON object, its keys in lower case: Go reads them in any.

    A field of a wrong type is what it is here; those who read it check.
    """
    raw = read_bounded(image.config_member, Findings())
    value = jsontext.parse(raw, Where(), Findings()) if raw is not None else None
    return _lowered(value)


def config_of(image: Image, fields: dict[str, Any]) -> ConfigReport:
    """What a config says of how its image runs.

    Args:
        image: the image.
        fields: of its config, with keys in lower case.
    """
    run = _lowered(fields.get("config"))
    healthcheck = run.get("healthcheck") or None
    onbuild, shell = _texts(run.get("onbuild")), _texts(run.get("shell"))
    extras = (("HEALTHCHECK", healthcheck), ("ONBUILD", onbuild), ("SHELL", shell))
    return ConfigReport(
        digest=None if image.made_from else image.config.digest,
        media_type=_stated_type(image),
        size=image.config.size,
        created=_text(fields.get("created")),
        author=_text(fields.get("author")),
        user=_text(run.get("user")),
        working_dir=_text(run.get("workingdir")),
        entrypoint=_texts(run.get("entrypoint")),
        cmd=_texts(run.get("cmd")),
        env=_texts(run.get("env")),
        labels=_labels(run.get("labels")),
        exposed_ports=_keys(run.get("exposedports")),
        volumes=_keys(run.get("volumes")),
        stop_signal=_text(run.get("stopsignal")),
        healthcheck=healthcheck,
        onbuild=onbuild,
        shell=shell,
        docker_extras=tuple(word for word, said in extras if said),
    )


def history_of(fields: dict[str, Any], layers: int) -> tuple[HistoryLine, ...]:
    """The history of an image, each line with the number of its layer where that is known.

    Args:
        fields: of its config, with keys in lower case.
        layers: that the image has; where the history speaks of another number, no line can be
            told to have made one.
    """
    stated = fields.get("history")
    lines = [_lowered(line) for line in stated] if isinstance(stated, list) else []
    filled = sum(line.get("empty_layer") is not True for line in lines)
    history = []
    number = 0
    for line in lines:
        empty = line.get("empty_layer") is True
        history.append(
            HistoryLine(
                created=_text(line.get("created")),
                created_by=_text(line.get("created_by")),
                comment=_text(line.get("comment")),
                empty_layer=empty,
                layer=number if filled == layers and not empty else None,
            )
        )
        number += not empty
    return tuple(history)


def _stated_type(image: Image) -> str | None:
    stated = image.manifest.config if image.manifest is not None else None
    return stated.media_type if stated is not None else None


def _lowered(value: object) -> dict[str, Any]:
    return {fold(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _keys(value: object) -> tuple[str, ...]:
    return tuple(sorted(value)) if isinstance(value, dict) else _texts(value)


def _labels(value: object) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {key: item for key, item in items if isinstance(item, str)}
