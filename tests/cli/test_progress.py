"""The line that tells how far the work is."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest

from oci_layout.cli import progress, screen


class Terminal(io.StringIO):
    """Takes what is drawn."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line for line in re.split(r"\r\x1b\[K", self.getvalue()) if line]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(screen, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    return made


def test_spooling_is_told_before_the_work(terminal: Terminal) -> None:
    with progress.Bar(quiet=False) as told:
        assert told is not None
        assert told.spool is not None
        told.spool("in.tar.gz", "/var/tmp", 1_000_000)
        told.advance(250_000)
        told.start(4_000_000)
        told.advance(2_000_000)
    first, second = terminal.lines
    assert first.startswith("reading in.tar.gz into /var/tmp:  25% 250 kB of 1.0 MB, ")
    assert second.startswith("[############............]  50% 2.0 MB of 4.0 MB, ")


def test_nobody_knows_how_much_comes_out_of_a_pipe(terminal: Terminal) -> None:
    with progress.Bar(quiet=False) as told:
        assert told is not None
        assert told.spool is not None
        told.spool("standard input", "/var/tmp", 0)
        told.advance(250_000)
    (line,) = terminal.lines
    assert line.startswith("reading standard input into /var/tmp: 250 kB, ")
    assert "left" not in line


def test_a_line_is_never_longer_than_the_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with progress.Bar(quiet=False) as told:
        assert told is not None
        assert told.spool is not None
        told.spool("/a/long/path" * 9 + "\x1b[2J", "/var/tmp", 1_000_000)
        told.advance(250_000)
    (line,) = terminal.lines
    assert len(line) < 60
    assert "25%" in line
