"""Pin what comes from pip: the newest that satisfies pyproject.toml, each file by its sum."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from bundling.shell import HERE, MACHINES, ROOT, run, sha256

TOOLS = ("ziglang", "cyclonedx-python-lib")
EXTRAS = ("schema1", "signatures")  # those that are carried along
_HEAD = "# Made by scripts/bundle lock.\n"


def versions() -> list[str]:
    """The versions of Python that the project is for."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def wanted() -> list[str]:
    """What the project needs, with the extras that are carried along."""
    import tomllib  # noqa: PLC0415  of Python 3.11: whoever pins has one

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(need for extra in EXTRAS for need in extras[extra])]


def lock() -> None:
    """Write locked.txt and tools.txt."""
    own = versions()
    _write("locked.txt", wanted(), [(machine, each) for machine in MACHINES for each in own])
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    pythons = sorted({here, *own})
    _write("tools.txt", list(TOOLS), [(machine, each) for machine in MACHINES for each in pythons])


def _write(name: str, needs: list[str], targets: list[tuple[str, str]]) -> None:
    """Resolve for every target; one version of each package, or the lock could not hold.

    It is the one that the oldest Python takes, which comes first.
    """
    sums: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "constraints.txt"
        for machine, version in targets:
            into = Path(folder) / f"{machine}-{version}"
            taken.write_text("\n".join(sums), encoding="utf-8")
            run(
                [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
                + ["--only-binary=:all:", "--python-version", version, "-d", into]
                + ["-c", taken]
                + [word for tag in tags(machine) for word in ("--platform", tag)]
                + needs
            )
            for wheel in into.iterdir():
                package, number = wheel.name.split("-")[:2]
                key = f"{package.lower().replace('_', '-')}=={number}"
                sums.setdefault(key, set()).add(sha256(wheel))
    lines = [
        f"{key}" + "".join(f" \\\n    --hash=sha256:{each}" for each in sorted(found)) + "\n"
        for key, found in sorted(sums.items())
    ]
    (HERE / name).write_text(_HEAD + "".join(lines), encoding="utf-8")


def tags(machine: str) -> list[str]:
    """The platforms whose wheels run on a machine with glibc 2.28 or later."""
    old = [f"manylinux_2_12_{machine}", f"manylinux2010_{machine}"] if machine == "x86_64" else []
    new = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 16, -1)]
    return [*new, f"manylinux2014_{machine}", *old]
