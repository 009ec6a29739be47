"""The one file itself: the runtime, and behind it the archive of all that it runs."""

from __future__ import annotations

import platform
import shutil
import tempfile
import zipfile
from pathlib import Path

from bundling import inputs
from bundling.runtime import Runtime
from bundling.shell import HERE, ROOT, run, say


def make(work: Path, machine: str, output: Path, version: str) -> Path:
    """Make the one file for a machine; its path.

    Args:
        work: the folder that is kept between runs.
        machine: x86_64 or aarch64.
        output: the folder for it.
        version: of the project.
    """
    inputs.fetch(work, sorted({machine, platform.machine()}))
    runtime = Runtime(work, machine).made()
    python = Runtime(work, platform.machine()).made().python
    wheels = inputs.wheels(work, machine, inputs.PYTHON)
    output.mkdir(parents=True, exist_ok=True)
    result = output / f"layout-{version}-linux-{machine}"
    partial = result.with_name(f".{result.name}.partial")
    shutil.copy(runtime.program, partial)
    with tempfile.TemporaryDirectory() as folder:
        site = unpacked(wheels, Path(folder) / "site")
        licences = collect_licences(runtime, site, Path(folder) / "licences")
        run(
            [
                *(python, HERE / "contents.py", partial, runtime.stdlib, licences, machine),
                *(HERE, site, ROOT),
            ],
            environment={"PYTHONHASHSEED": "0", "PYTHONHOME": "", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    partial.chmod(0o755)
    partial.rename(result)
    zig = run([inputs.tools(work), "-m", "ziglang", "version"]).strip()
    run(
        [
            *(inputs.tools(work), HERE / "sbom.py", result, version, machine),
            *(work / "inputs", runtime.folder, wheels[0].parent, zig),
        ]
    )
    say(f"made {result}: {result.stat().st_size / 1e6:.1f} MB")
    return result


def unpacked(wheels: list[Path], into: Path) -> Path:
    """A folder with the content of wheels, as pip would lay it out."""
    shutil.rmtree(into, ignore_errors=True)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(into)
    return into


def collect_licences(runtime: Runtime, site: Path, into: Path) -> Path:
    """A folder with the licence of every part, below the name of each."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    shutil.copy(ROOT / "LICENSE", _below(into, "oci-layout") / "LICENSE")
    shutil.copy(runtime.folder / "source/LICENSE", _below(into, "cpython") / "LICENSE")
    for copyright_ in sorted((runtime.folder / "packages/usr/share/doc").glob("*/copyright")):
        shutil.copy(copyright_, _below(into, copyright_.parent.name) / "copyright")
    for info in sorted(site.glob("*.dist-info")):
        for text in sorted(info.rglob("*")):
            if text.is_file() and text.name.upper().startswith(("LICEN", "COPYING", "NOTICE")):
                shutil.copy(text, _below(into, info.name.partition("-")[0]) / text.name)
    return into


def _below(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir(exist_ok=True)
    return made
