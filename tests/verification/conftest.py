"""Sources that most tests need, and figures that are told at the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import corrupt
from tests.builders import write_docker_archive, write_oci_layout
from tests.verification.running import IMAGE

Figure = Callable[[str], None]
_KEY = "verification figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Note a line for the end of the run."""
    return lambda text: request.node.user_properties.append((_KEY, text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, also those that other processes found."""
    lines = sorted(
        str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for key, value in report.user_properties
        if key == _KEY
    )
    if lines:
        terminalreporter.section("figures of verify")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_oci_layout([IMAGE], tmp_path / "sound")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = write_oci_layout([IMAGE], tmp_path / "damaged")
    blob = path / corrupt.blob(IMAGE.layers[0].digest)
    blob.write_bytes(corrupt.flip_byte(blob.read_bytes(), 0))
    return path


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A source with a warning and no error."""
    path = write_docker_archive([IMAGE], tmp_path / "odd.tar")
    path.write_bytes(path.read_bytes() + b"more" * 128)
    return path
