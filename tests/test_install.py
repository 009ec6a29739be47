"""The project installs as the README and docs/install.md say, with the package index at hand."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT, bash, blocks, read, section

VERSION = "0.1.0"  # as the pages have it
BUNDLE = os.environ.get("OCI_LAYOUT_BUNDLE")
NEEDED = ("oci_layout", "man", "README.md", "LICENSE", "pyproject.toml")
PAGE = "docs/install.md"
TEXTS = {
    "README.md": section(read("README.md"), "Install"),
    PAGE: read(PAGE),
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
    _make_dist(folder)
    return folder, environment


def _make_dist(folder: Path) -> None:
    """What scripts/bundle makes, for this Python; the one file itself only where one is named."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    own = ("--python", here, "--arch", platform.machine(), "--output", str(folder / "dist"))
    subprocess.run(
        [sys.executable, ROOT / "scripts/bundle", "pyz", "wheels", "share", *own], check=True
    )
    one = folder / f"dist/layout-{VERSION}-linux-{platform.machine()}"
    if BUNDLE:
        shutil.copy(BUNDLE, one)
    else:
        start = f'#!/bin/sh\nexec "{sys.executable}" -m oci_layout "$@"\n'
        one.write_text(start, encoding="utf-8")
    (folder / "scripts").mkdir()
    (folder / "scripts/bundle").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "scripts/bundle").chmod(0o755)


def commands(page: str) -> list[str]:
    """What is run, without what is said beside it."""
    return [
        re.sub(r" *# .*", "", block.text)
        for block in blocks(TEXTS[page], page)
        if block.language == "sh"
    ]


def test_the_project_installs_as_the_page_says(checkout: tuple[Path, dict[str, str]]) -> None:
    """Every command of the page, in order; each way ends with the version."""
    folder, environment = checkout
    found = commands(PAGE)
    assert any("--no-index" in command for command in found)
    assert any("pipx install" in command for command in found)
    for command in found:
        status, printed = bash(command, folder, environment, "-eu", 600)
        assert status == 0, f"{command}\n{printed}"
        if "/bin/layout" in command or "pipx" in command or "--version" in command:
            assert re.search(r"^layout \d", printed, re.MULTILINE), printed
    for place in ("oci-layout", ".local"):
        pages = {path.name for path in folder.glob(f"home/{place}/share/man/man1/*.1")}
        assert pages == {path.name for path in (ROOT / "man").iterdir()}


def test_the_readme_says_what_the_page_says() -> None:
    """Its commands are some of the page's, in order, so that they are run once."""
    said = "".join(commands(PAGE)).splitlines()
    wanted = [line for line in "".join(commands("README.md")).splitlines() if line]
    assert len(wanted) > 4
    rest = iter(said)
    missing = [line for line in wanted if line not in rest]
    assert missing == []
