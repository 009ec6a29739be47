"""Targets that read deltas of layers: changed ones, and such as nobody would make."""

from __future__ import annotations

import functools
import os
import random
import tarfile
from concurrent.futures import ThreadPoolExecutor

from oci_layout.delta import form
from oci_layout.delta.applying import apply
from oci_layout.delta.catalogue import Catalogue
from oci_layout.delta.form import Do, Kind, Opening, Step
from oci_layout.delta.making import make
from oci_layout.delta.packing import NewBytes, pack
from oci_layout.delta.stretch import Stretch
from oci_layout.digest import Digest
from oci_layout.streams.reader import HeldFile
from scripts.fuzzing import seeds, values
from scripts.fuzzing.targets import Target, require

_MOST = 1 << 24  # bytes that an input of this size makes at the most


def _stretch(data: bytes) -> Stretch:
    fd = os.memfd_create("fuzz")
    os.write(fd, data)
    return Stretch(file=HeldFile.adopt(fd, "x"), start=0, size=len(data))


@functools.cache
def _old() -> tuple[Stretch, ...]:
    return tuple(
        _stretch(seeds.rich_layer(each)) for each in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)
    )


@functools.cache
def _sources() -> tuple[Digest, ...]:
    return tuple(Digest.of(each.get(0, each.size)) for each in _old())


@functools.cache
def _seed(number: int) -> bytes:
    """A sound delta."""
    new = (seeds.rich_layer(tarfile.PAX_FORMAT)[:-3000], seeds.plain_layer("a") * 3)[number]
    segments: list[bytes] = []
    with ThreadPoolExecutor(1) as executor:
        make(_stretch(new), Catalogue(_old()), segments.append, executor=executor, ahead=1)
    opening = Opening(target=Digest.of(new), size=len(new), sources=_sources())
    return opening.render() + b"".join(segments)


def _number(rng: random.Random) -> int:
    return rng.choice([0, 1, 12, 511, 512, 1024, 5000, 1 << 20, 1 << 40, rng.randrange(1 << 14)])


def _made_up(rng: random.Random) -> bytes:
    """Steps and frames that are packed well, and fit each other or not."""
    size = rng.choice([0, 512, 5000, 1 << 20, 1 << 62])
    data = Opening(target=Digest.of(b""), size=size, sources=_sources()).render()
    new = NewBytes()
    for _ in range(rng.choice([1, 1, 2])):
        steps = [
            Step(
                rng.choice(list(Do)),
                _number(rng),
                rng.randrange(3),
                _number(rng) - rng.choice([0, 0, 9]),
                _number(rng),
            )
            for _ in range(rng.choice([0, 1, 2, 9]))
        ]
        columns = form.render_steps(steps)
        frames = [(Kind.STEPS, len(columns), pack(columns))]
        for kind in rng.sample(list(Kind), rng.randrange(5)):
            body = rng.randbytes(rng.choice([0, 12, 512, 1024]))
            stated = len(body) if rng.random() < 0.8 else _number(rng)
            frames.append((kind, stated, new.pack(body) if kind is Kind.NEW else pack(body)))
        data += form.render_segment(frames)
    return data + form.END


def _delta(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        data = _made_up(rng)
        return data if rng.random() < 0.8 else values.garble(rng, data)
    return values.garble(rng, _seed(rng.randrange(2)))


def _apply(data: bytes, room: str) -> None:
    del room  # nothing is written
    total = 0
    delta = _stretch(data)
    with delta.file:
        for piece in apply(delta, _old()):
            total += len(piece)
            require(total < _MOST, "more than any such delta can make")


DELTAS = (Target(name="delta", make=_delta, run=_apply, allowed=(form.DeltaError,)),)
