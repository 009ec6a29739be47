"""Run one command and print its wall time, CPU seconds, peak memory in KiB and exit status.

A program of its own, and small: the peak memory that Linux counts for a process begins with the
memory of the process that started it.
"""

import os
import sys
import time

cores, *argv = sys.argv[1:]
if cores:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
null = os.open(os.devnull, os.O_WRONLY)
began = time.monotonic()
child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
cpu = usage.ru_utime + usage.ru_stime
print(wall, cpu, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
