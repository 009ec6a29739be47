"""What engines cannot read of a config, since Go gives each field a type."""

from __future__ import annotations

import re

from oci_layout.model.config import Config

# moby api/types/strslice: a list, or one text.
_TEXT_OR_LIST = {"Cmd", "Entrypoint", "Shell"}
# image-spec specs-go/v1/config.go; what else stands in a config, only Docker reads.
_OCI = re.compile(
    r"created|author|architecture|os|variant|os\.version|os\.features|rootfs(\..+)?|history.*|"
    r"config(\.(User|ExposedPorts|Env|Entrypoint|Cmd|Volumes|WorkingDir|Labels|StopSignal|"
    r"ArgsEscaped))?"
)


def unreadable(config: Config, *, docker: bool) -> list[str]:
    """Fields of a config that have another type than an engine gives them.

    Args:
        config: as read.
        docker: whether Docker reads it; others read what the image spec defines.
    """
    texts = {
        str(repair.path[-1])
        for repair in config.repairs
        if str(repair.path[-1]) in _TEXT_OR_LIST and isinstance(repair.value, list)
    }
    found = []
    for problem in config.problems:
        field = problem.where.field
        if problem.code != "wrong-type" or field == "rootfs.type":
            continue  # that is read, and compared with nothing
        if docker and field.rpartition(".")[2] in texts:
            continue
        if docker or _OCI.fullmatch(field):
            found.append(f"{field}: {problem.message}")
    return found
