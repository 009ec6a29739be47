"""Types in a config: who refuses what.

As Docker 20.10.24, containerd 1.6.20, podman 4.3.1 and skopeo 1.9.3 did.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import write_oci_archive
from tests.targets.answers import answer, codes
from tests.targets.makes import TYPED, Maker, changed_config, write_flat

_ALL = "docker docker-archive containerd oci podman"
_DOCKERS = "docker docker-archive podman"  # a field that image-spec does not have
# Who refuses: Docker, skopeo by docker-archive:, containerd, podman.
REFUSED = {
    "duration in words": _DOCKERS,
    "ports of numbers": _ALL,
    "null among labels": "",
    "number among labels": _ALL,
    "null among env": "",
    "null for config": "",
    "null in history": "",
    "retries fraction": _DOCKERS,
    "retries exponent": _DOCKERS,
    "stop timeout text": _DOCKERS,
    "created empty": _ALL,
    "created comma": "",
    "created day": _ALL,
    "created lower": _ALL,
    "created hour": _ALL,
    "container_config text": _DOCKERS,
    "container_config cmd number": _DOCKERS,
    "size text": _DOCKERS,
    "os.features text": _ALL,
    "onbuild text": _DOCKERS,
    "shell text": "",
    "entrypoint text": "containerd podman",
    "comment number": _DOCKERS,
    "hostname number": _DOCKERS,
    "tty text": _DOCKERS,
    "volumes list": _ALL,
    "memory text": "",
    "rootfs type number": _ALL,
    "empty_layer text": _ALL,
}


def test_each_is_measured() -> None:
    assert REFUSED.keys() == TYPED.keys()


@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize(
    ("who", "target", "write"),
    [
        ("docker", "docker@20.10", write_flat),
        ("docker-archive", "skopeo@1.9+docker-archive", write_flat),
        ("containerd", "containerd@1.6", write_flat),
        ("containerd", "containerd@1.6", write_oci_archive),
        ("podman", "podman@4.3", write_flat),
        ("podman", "podman@4.3", write_oci_archive),
    ],
)
def test_who_refuses(
    name: str, who: str, target: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    path = changed_config(write, TYPED[name])(Maker(tmp_path))
    found = answer(path, target)
    assert found.loads is (who not in REFUSED[name].split()), codes(found)
