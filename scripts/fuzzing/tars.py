"""Changes to tar archives that keep them tar: headers, extended headers, sizes, order."""

# ruff: noqa: ARG001, SIM905  every change is called alike; a list of words is read more easily as a text
from __future__ import annotations

import functools
import random
from collections.abc import Callable

from scripts.differential_tar.make import gnu, pax, summed
from scripts.fuzzing.values import TEXTS, garble

BLOCK = 512
# Fields of a header, POSIX.1-1988 ustar and GNU: where each begins and ends.
FIELDS = (
    *((0, 100), (0, 100), (100, 108), (108, 116), (116, 124), (124, 136), (124, 136), (136, 148)),
    *((156, 157), (156, 157), (156, 157), (157, 257), (257, 265), (265, 297), (329, 337)),
    *((337, 345), (345, 500), (386, 482), (482, 483), (483, 495), (508, 512)),
)
KINDS = b"0\x001234567xgLKSDVMNX57A"
WORDS = (
    *(
        b"",
        b"0",
        b"7" * 11,
        b"777777777777",
        b"-1",
        b" 10 ",
        b"0x10",
        b"8",
        b"1\0 9",
        b"00000000100",
    ),
    *(b"\x80" + bytes(10) + b"\x10", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\x80" + bytes(11)),
    *(b"a", b"a/", b"/a", b"../a", b"./a", b"a\0b", b"\xff\xfe", b"\n", b"." * 100, b"a" * 155),
    *(b"manifest.json", b"index.json", b"oci-layout", b"repositories", b"layer.tar", b"blobs"),
    *(b"ustar\x0000", b"ustar  \0", b"ustar", b"tar\0", b"USTAR\x0000", b".wh.x", b".wh..wh..opq"),
)
RECORDS = (
    *("path linkpath size mtime uid gid uname gname atime ctime comment hdrcharset".split()),
    *("GNU.sparse.major GNU.sparse.minor GNU.sparse.name GNU.sparse.realsize".split()),
    "GNU.sparse.size",
    *("GNU.sparse.numblocks GNU.sparse.offset GNU.sparse.numbytes GNU.sparse.map".split()),
    *("SCHILY.xattr.user.a SCHILY.realsize LIBARCHIVE.xattr.x SCHILY.acl.access".split()),
)
NUMBERS = (
    "0 1 512 -1 1.5 1.5e3 +1 0x1 1_0 9223372036854775807 9223372036854775808 1e9 0,5 0,1,1,5"
).split()


@functools.cache
def split(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The members of a sound archive: header and padded data."""
    found, at = [], 0
    while at + BLOCK <= len(data) and data[at : at + BLOCK].strip(b"\0"):
        head = data[at : at + BLOCK]
        end = at + BLOCK + -(-int(head[124:136].strip(b"\0 ") or b"0", 8) // BLOCK) * BLOCK
        found.append((head, data[at + BLOCK : end]))
        at = end
    return tuple(found)


Parts = list[tuple[bytes, bytes]]


def _field(rng: random.Random, parts: Parts, at: int) -> None:
    head, data = parts[at]
    start, end = rng.choice(FIELDS)
    if end - start == 1:
        value = bytes([rng.choice(KINDS)])
    elif rng.random() < 0.3:
        value = garble(rng, head[start:end])
    else:
        value = rng.choice(WORDS)
    if rng.random() < 0.3 and start in (0, 157, 345):
        value = rng.choice(parts)[0][:100]
    changed = head[:start] + value[: end - start].ljust(end - start, b"\0") + head[end:]
    parts[at] = (summed(changed) if rng.random() < 0.95 else changed, data)


def _kind(rng: random.Random, parts: Parts, at: int) -> None:
    head, data = parts[at]
    parts[at] = (summed(head[:156] + bytes([rng.choice(KINDS)]) + head[157:]), data)


def _pax(rng: random.Random, parts: Parts, at: int) -> None:
    pairs = []
    for _ in range(rng.choice([1, 1, 2, 4])):
        key = rng.choice(RECORDS)
        name = parts[at][0][:100].rstrip(b"\0").decode("utf-8", "replace")
        value = rng.choice([rng.choice(NUMBERS), rng.choice(NUMBERS), rng.choice(TEXTS), name])
        pairs.append((key, value))
    made = pax(*pairs, kind=rng.choice([b"x", b"x", b"x", b"g", b"X"]))
    head, body = made[:BLOCK], made[BLOCK:]
    parts.insert(at, (head, garble(rng, body) if rng.random() < 0.2 else body))


def _gnu(rng: random.Random, parts: Parts, at: int) -> None:
    name = rng.choice(
        [rng.choice(TEXTS), parts[at][0][:100].rstrip(b"\0").decode("utf-8", "replace")]
    )
    made = gnu(rng.choice([b"L", b"K"]), name)
    parts.insert(at, (made[:BLOCK], made[BLOCK:]))


def _sparse(rng: random.Random, parts: Parts, at: int) -> None:
    """GNU's old sparse header: extents, real size, whether more blocks of extents follow."""
    head, data = parts[at]
    changed = bytearray(head)
    changed[156:157], changed[257:265] = b"S", b"ustar  \0"
    for slot in range(rng.randrange(5)):
        where = 386 + 24 * slot
        pair = [rng.choice([0, 1, 512, len(data), 2**30, 2**35 - 1]) for _ in range(2)]
        changed[where : where + 24] = b"%011o\0%011o\0" % tuple(pair)
    changed[482] = rng.choice([0, 0, 1])
    changed[483:495] = b"%011o\0" % rng.choice([0, len(data), 512, 2**33 - 1])
    parts[at] = (summed(bytes(changed)), data)


def _double(rng: random.Random, parts: Parts, at: int) -> None:
    parts.insert(rng.randrange(len(parts) + 1), parts[at])


def _drop(rng: random.Random, parts: Parts, at: int) -> None:
    del parts[at]


def _swap(rng: random.Random, parts: Parts, at: int) -> None:
    other = rng.randrange(len(parts))
    parts[at], parts[other] = parts[other], parts[at]


def _trade(rng: random.Random, parts: Parts, at: int) -> None:
    """Two members exchange their data, not their headers."""
    other = rng.randrange(len(parts))
    (one, a), (two, b) = parts[at], parts[other]
    parts[at], parts[other] = (one, b), (two, a)


def _link(rng: random.Random, parts: Parts, at: int) -> None:
    head, _ = parts[at]
    link = rng.choice([rng.choice(parts)[0][:100], *WORDS])[:100].ljust(100, b"\0")
    made = (
        head[:124] + b"%011o\0" % 0 + head[136:156] + rng.choice([b"1", b"2"]) + link + head[257:]
    )
    parts[at] = (summed(made), b"")


def _data(rng: random.Random, parts: Parts, at: int) -> None:
    head, data = parts[at]
    parts[at] = (head, garble(rng, data))


def _hole(rng: random.Random, parts: Parts, at: int) -> None:
    parts.insert(at, (bytes(BLOCK) * rng.choice([1, 1, 2]), b""))


Step = Callable[[random.Random, Parts, int], None]
_STEPS: tuple[Step, ...] = (
    *(_field, _field, _field, _kind, _pax, _pax, _gnu, _sparse, _double, _drop, _swap, _trade),
    *(_link, _data, _hole),
)


def change(rng: random.Random, members: Parts, steps: int) -> bytes:
    """An archive of these members with some changes."""
    parts = list(members)
    for _ in range(steps):
        if not parts:
            break
        rng.choice(_STEPS)(rng, parts, rng.randrange(len(parts)))
    data = b"".join(head + body for head, body in parts) + bytes(2 * BLOCK)
    end = rng.random()
    if end < 0.03:
        return data[: rng.randrange(len(data))]
    if end < 0.06:
        return garble(rng, data)
    return data[: -rng.choice([1, BLOCK, 2 * BLOCK])] if end < 0.09 else data
