"""The project installs as the README and docs/install.md say, with the package index at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT, bash, blocks, read, section

NEEDED = ("oci_layout", "README.md", "LICENSE", "pyproject.toml")
TEXTS = {
    "README.md": section(read("README.md"), "Install"),
    "docs/install.md": read("docs/install.md"),
}
# pipx, as far as the pages use it: an environment of its own for what is installed.
PIPX = """#!/bin/sh
[ "$1" = install ] && shift || exit 2
python3 -m venv "$HOME/pipx" && "$HOME/pipx/bin/pip" install "$@" || exit
"$HOME/pipx/bin/layout" --version
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of what is installed, and an environment to install into; skips without an index."""
    folder = tmp_path_factory.mktemp("install")
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "venv", folder / "own"], check=True, capture_output=True)
    (folder / "home").mkdir()
    pipx = folder / "own/bin/pipx"
    pipx.write_text(PIPX, encoding="utf-8")
    pipx.chmod(0o755)
    environment = {
        **os.environ,
        "HOME": str(folder / "home"),
        "PATH": f"{folder / 'own/bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "1",  # which takes as long as all else
    }
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    download = "pip download -q --no-deps -d index attrs hatchling"
    status, _ = bash(download, folder, environment, "-eu", 600)
    if status:
        pytest.skip("no package index can be reached")
    return folder, environment


@pytest.mark.parametrize("page", TEXTS)
def test_the_project_installs_as_the_page_says(
    page: str, checkout: tuple[Path, dict[str, str]]
) -> None:
    """Every command of the page, in order; the last one of each way prints the version."""
    folder, environment = checkout
    environment = {**environment, "HOME": str(folder / "home" / Path(page).stem)}
    Path(environment["HOME"]).mkdir()
    shutil.rmtree(folder / "wheels", ignore_errors=True)
    commands = [block.text for block in blocks(TEXTS[page], page) if block.language == "sh"]
    assert any("--no-index" in command for command in commands)
    assert any("pipx install" in command for command in commands)
    for command in commands:
        status, printed = bash(command, folder, environment, "-eu", 600)
        assert status == 0, f"{command}\n{printed}"
        if "/bin/layout" in command or "pipx" in command:
            assert printed.rstrip().splitlines()[-1].startswith("layout "), printed
