"""What all tests share: no wait for a disk, and figures that are told at the end of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.shared import place_for

_ROOM = 4 << 30  # bytes that the folders of three runs, which pytest keeps, are sure not to take
Figure = Callable[[str], None]
# Files that take longest. They begin first, so that no worker is left with one of them at the end.
LONG = (
    "interop/test_check",
    "interop/",
    "verification/test_bombs",
    "graph/test_linear",
    "sink/test_crash",
    "blobs/test_pool",
    "shelf/test_kill",
    "shelf/test_cluster",
    "test_install",
    "test_bundle",
    "test_docs",
    "test_site",
    "verification/test_properties",
    "cli/test_escapes",
    "cli/test_signals",
    "cli/test_batch",
    "sink/test_storm",
    "sink/test_append_at_once",
    "cli/test_failures",
    "test_fixtures",
    "verification/test_bitflips",
    "sink/test_disk_full",
)


def pytest_configure() -> None:
    """Let the folders of tests be in memory: to remove them takes a disk longer than most tests."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place_for(_ROOM))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest before all others, which stay in order."""

    def place(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((at for at, long in enumerate(LONG) if name.startswith(long)), len(LONG))

    items.sort(key=place)
    if os.environ.get("OCI_LAYOUT_LONG") != "off":
        return
    for item in items:
        if place(item) < len(LONG):
            item.add_marker(pytest.mark.skip(reason="takes long: scripts/test --long runs it"))


# A shell ignores them for what it starts in the background, and so would all that is started here.
for _number, _default in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _default)


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """Nothing here cuts the power, so what this process makes durable need not be awaited.

    Processes of their own do it in truth.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # a descriptor that is closed fails as before
        yield


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Note a line for the end of the run."""
    return lambda text: request.node.user_properties.append(("figure", text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, also those that other processes found."""
    lines = sorted(
        str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for key, value in report.user_properties
        if key == "figure"
    )
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
