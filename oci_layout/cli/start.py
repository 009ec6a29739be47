"""Where the command starts and ends: what comes before and after anything is done."""

from __future__ import annotations

# Nothing is done yet: an interrupt just ends it. The module `signal` takes milliseconds to import,
# in which Python would print a traceback; what it stands on is part of the interpreter.
import _signal  # type: ignore[import-not-found]

if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:  # as a job in the background has it
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import gc
import os
import signal  # only now
import sys
import threading
from typing import NoReturn

# What is imported stays: to look for garbage in it takes milliseconds.
gc.set_threshold(50_000, 20, 20)

_ASKING = os.environ.get("_LAYOUT_COMPLETE")  # a shell, for the words that may come next
if _ASKING:
    from oci_layout.cli import completing
else:
    from oci_layout.cli import main  # takes most of the time


def run() -> NoReturn:
    """Run the command line and exit."""
    try:
        if _ASKING:
            sys.exit(completing.answer(_ASKING))
        main.run()
    except SystemExit as end:
        if "--debug" not in sys.argv:  # with it, profilers see the usual end
            _leave(end.code)
        raise
    finally:  # the end of the interpreter forgets handlers, and must not change the status
        if not _ASKING:
            signal.pthread_sigmask(signal.SIG_BLOCK, main.SIGNALS)


def _leave(status: object) -> None:
    """End at once, if nothing is left to do.

    To take apart what was imported takes a fifth of the time of a short call. Files are closed by
    those who opened them, and what prints has flushed, or knows that nobody listens.
    """
    sys.stdout.flush()
    if isinstance(status, int) and threading.active_count() == 1:
        os._exit(status)
