"""The structs that engines read configs into, each field with its type, described once.

image-spec specs-go/v1/config.go; moby image/image.go, api/types/container/config.go.
"""

from __future__ import annotations

from oci_layout.model.gotypes import (
    ANY,
    ARGUMENTS,
    DURATION,
    FLAG,
    NUMBER,
    POINTER,
    SET,
    TEXT,
    TEXT_MAP,
    TEXTS,
    TIME,
    GoType,
    ListOf,
    Struct,
)

HEALTHCHECK = Struct(
    {
        "Test": TEXTS,
        "Interval": DURATION,
        "Timeout": DURATION,
        "StartPeriod": DURATION,
        "StartInterval": DURATION,
        "Retries": NUMBER,
    }
)
_DOCKERS_RUN: dict[str, GoType] = {
    "Hostname": TEXT,
    "Domainname": TEXT,
    "AttachStdin": FLAG,
    "AttachStdout": FLAG,
    "AttachStderr": FLAG,
    "Tty": FLAG,
    "OpenStdin": FLAG,
    "StdinOnce": FLAG,
    "Image": TEXT,
    "NetworkDisabled": FLAG,
    "MacAddress": TEXT,
    "OnBuild": TEXTS,
    "Shell": ARGUMENTS,
    "StopTimeout": POINTER,
    "Healthcheck": HEALTHCHECK,
    # Docker wrote them once, and no version of today reads them.
    "Memory": ANY,
    "MemorySwap": ANY,
    "CpuShares": ANY,
    "Cpuset": ANY,
}
RUN = Struct(
    {
        "User": TEXT,
        "ExposedPorts": SET,
        "Env": TEXTS,
        "Entrypoint": ARGUMENTS,
        "Cmd": ARGUMENTS,
        "Volumes": SET,
        "WorkingDir": TEXT,
        "Labels": TEXT_MAP,
        "StopSignal": TEXT,
        "ArgsEscaped": FLAG,
    },
    _DOCKERS_RUN,
)
ROOTFS = Struct({"type": TEXT, "diff_ids": ListOf(TEXT, "digests")})
HISTORY = Struct(
    {
        "created": TIME,
        "author": TEXT,
        "created_by": TEXT,
        "comment": TEXT,
        "empty_layer": FLAG,
    }
)
CONFIG = Struct(
    {
        "created": TIME,
        "author": TEXT,
        "architecture": TEXT,
        "os": TEXT,
        "os.version": TEXT,
        "os.features": TEXTS,
        "variant": TEXT,
        "config": RUN,
        "rootfs": ROOTFS,
        "history": ListOf(HISTORY, "objects"),
    },
    {
        "id": TEXT,
        "parent": TEXT,
        "comment": TEXT,
        "container": TEXT,
        "container_config": RUN,
        "docker_version": TEXT,
        "Size": NUMBER,
    },
)
