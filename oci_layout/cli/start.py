"""Where the command starts and ends: what comes before and after anything is done."""

import signal
from typing import NoReturn

if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a job in the background has it
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is done yet: an interrupt just ends it

from oci_layout.cli import main  # takes most of that time


def run() -> NoReturn:
    """Run the command line and exit."""
    try:
        main.run()
    finally:  # the end of the interpreter forgets handlers, and must not change the status
        signal.pthread_sigmask(signal.SIG_BLOCK, main.SIGNALS)
