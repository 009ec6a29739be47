"""Hash a file once, in as many parts as there are cores: what checks it takes no less."""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor

PIECE = 256 << 10
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
cores = len(os.sched_getaffinity(0))


def part(number: int) -> str:
    """Hash one of the parts, which are equally long."""
    at, end = size * number // cores, size * (number + 1) // cores
    running = hashlib.sha256()
    while at < end:
        data = os.pread(fd, min(PIECE, end - at), at)
        running.update(data)
        at += len(data)
    return running.hexdigest()


with ThreadPoolExecutor(cores) as pool:
    print(*pool.map(part, range(cores)))
