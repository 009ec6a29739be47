"""Tests of ``oci_layout.streams.heap``, in processes of their own: it changes the whole process."""

import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
from oci_layout.streams.heap import give_back_at_once

if sys.argv[1:]:
    give_back_at_once(1 << 20)
bytearray(30 << 20)  # freed: from now on glibc keeps what is smaller
pieces = [bytearray(1 << 20) for _ in range(64)]
last = bytearray(100 << 10)  # lies above them, so that nothing can be cut off
del pieces
print(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20)
"""


def _held(*words: str) -> int:
    line = [sys.executable, "-c", _PROGRAM, *words]
    return int(subprocess.run(line, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory is held")
def test_large_pieces_go_back_when_they_are_freed() -> None:
    assert _held("at once") < _held() - 30
