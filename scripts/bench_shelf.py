"""A shelf of archives for scripts/bench, and what it takes to work through it, one way and others.

Twelve bases of shared layers, four hundred archives as `docker save` wrote them until version 24,
of which twenty are broken in known ways, and thirty files that are no images.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_run import LAUNCHER

_SEED = 20
_MIB = 1 << 20
_TIME = 1_700_000_000
_BROKEN = ("cut", "flipped", "missing layer", "wrong diff_id", "no JSON")
_NO_IMAGES = ("notes.txt", "empty", "disk.img", "backup.tar", "packed.gz")


@dataclass(frozen=True)
class _Layer:
    digest: str
    data: bytes


@dataclass(frozen=True)
class Shelf:
    """A shelf that was made.

    Args:
        path: its folder.
        sources: how many are images, broken ones among them.
        broken: relative paths of those that are.
        others: files that are no images.
        size: bytes of all.
    """

    path: Path
    sources: int
    broken: frozenset[str]
    others: int
    size: int


def _stuff(rng: random.Random, root: str = "/usr") -> Iterator[bytes]:
    """Contents of files of this machine in a mixed order, again and again."""
    found = []
    for where, folders, files in os.walk(root):
        folders.sort()
        found += [os.path.join(where, name) for name in sorted(files)]
    rng.shuffle(found)
    for path in itertools.cycle(found):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                data = file.read(4 * _MIB)
            if data:
                yield data


def _layer(stuff: Iterator[bytes], size: int, name: str) -> _Layer:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number in itertools.count():
            if out.tell() >= size:
                break
            data = next(stuff)[: max(1, size - out.tell())]
            info = tarfile.TarInfo(f"srv/{name}/{number:05}")
            info.size, info.mtime = len(data), _TIME
            tar.addfile(info, io.BytesIO(data))
    data = out.getvalue()
    return _Layer(hashlib.sha256(data).hexdigest(), data)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _archive(path: Path, name: str, layers: Sequence[_Layer], how: str) -> None:
    """Write an archive, broken in a way if one is named."""
    diff_ids = [f"sha256:{layer.digest}" for layer in layers]
    if how == "wrong diff_id":
        diff_ids[-1] = f"sha256:{'0' * 64}"
    config = _json(
        {
            "architecture": "amd64",
            "config": {"Cmd": ["/bin/sh"]},
            "created": "2023-11-14T22:13:20Z",
            "history": [{"created_by": f"COPY {n} /"} for n, _ in enumerate(layers)],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
    image = hashlib.sha256(config).hexdigest()
    entry = {
        "Config": f"{image}.json",
        "RepoTags": [name],
        "Layers": [f"{layer.digest}/layer.tar" for layer in layers],
    }
    manifest = _json([entry])
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:

        def add(inside: str, data: bytes) -> None:
            info = tarfile.TarInfo(inside)
            info.size, info.mtime = len(data), _TIME
            tar.addfile(info, io.BytesIO(data))

        for number, layer in enumerate(layers):
            if how == "missing layer" and number == 1:
                continue
            data = layer.data
            if how == "flipped" and number == 0:  # a layer that others have whole
                middle = len(data) // 2
                data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            add(f"{layer.digest}/VERSION", b"1.0")
            add(f"{layer.digest}/layer.tar", data)
        add(f"{image}.json", config)
        add("manifest.json", manifest[:-1] if how == "no JSON" else manifest)
    if how == "cut":
        os.truncate(path, path.stat().st_size * 2 // 3)


def _others(folder: Path, count: int, rng: random.Random) -> None:
    """Write files that are no images."""
    for number in range(count):
        name = _NO_IMAGES[number % len(_NO_IMAGES)]
        path = folder / f"{number:02}-{name}"
        if name == "backup.tar":
            with tarfile.open(path, "w") as tar:
                info = tarfile.TarInfo("etc/hosts")
                info.size = 9
                tar.addfile(info, io.BytesIO(b"localhost"))
        else:
            path.write_bytes(b"" if name == "empty" else rng.randbytes(4096))


def shelf(folder: Path, count: int = 400, *, small: bool = False) -> Shelf:
    """Make a shelf, or take the one a former run left.

    Args:
        folder: for it.
        count: archives; one in twenty is broken.
        small: whether all layers are of some kilobytes.
    """
    listed = folder.with_suffix(".json")
    if not listed.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        listed.write_bytes(_json(_make(folder, count, 2 << 10 if small else _MIB)))
    told = json.loads(listed.read_bytes())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Shelf(folder, count, frozenset(told["broken"]), told["others"], size)


def _make(folder: Path, count: int, unit: int) -> dict[str, object]:
    rng = random.Random(_SEED)  # noqa: S311  a mixture, not a secret
    stuff = _stuff(rng)
    systems = [_layer(stuff, size * unit, f"system{size}") for size in (2, 5, 9, 14)]
    bases = [
        (system, _layer(stuff, size * unit, f"runtime{size}-{number}"))
        for number, system in enumerate(systems)
        for size in (1, 4, 8)
    ]
    step = 20
    broken = {}
    for number in range(count):
        base = bases[rng.randrange(len(bases))]
        own = [
            _layer(stuff, rng.choice((unit, 2 * unit, 6 * unit, 12 * unit)), f"app{number}")
            for _ in range(rng.choice((1, 1, 2)))
        ]
        inside = f"{2014 + number % 10}/team{number % 7}"
        (folder / inside).mkdir(parents=True, exist_ok=True)
        path = f"{inside}/app{number:05}.tar"
        how = _BROKEN[number // step % len(_BROKEN)] if number % step == step - 1 else ""
        if how:
            broken[path] = how
        _archive(folder / path, f"example.com/app{number}:1", [*base, *own], how)
    others = 30
    (folder / "other").mkdir()
    _others(folder / "other", others, rng)
    return {"broken": broken, "others": others}


@dataclass(frozen=True)
class _Way:
    """A way to work through the shelf.

    Args:
        name: for the table.
        words: its command.
        failed: who failed, of what it left and printed; None where it does not say.
    """

    name: str
    words: Sequence[str]
    failed: Callable[[], set[str]] | None = None


@dataclass(frozen=True)
class _Ran:
    seconds: float
    peak: int
    status: int


def _run(way: _Way, log: Path) -> _Ran:
    words = [sys.executable, "-IS", str(LAUNCHER), "", *way.words]
    with log.open("wb") as errors:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=errors, text=True, check=True)
    wall, _, peak, status = done.stdout.split()
    return _Ran(float(wall), int(peak) * 1024, int(status))


def _reported(path: Path, shelf_path: Path) -> set[str]:
    """The sources that a report of lines calls failed."""
    found = set()
    for line in path.read_text().splitlines():
        value = json.loads(line)
        if value.get("status") == "failed":
            found.add(os.path.relpath(value["source"], shelf_path))
    return found


def _missing(made: Path, every: Sequence[str]) -> set[str]:
    """The sources that have no result."""
    return {path for path in every if not (made / path).exists()}


def _each(shelf_path: Path, line: str, jobs: int) -> list[str]:
    """A loop over the archives, as one writes it in a shell; $1 is the path from the shelf."""
    script = f"cd {shelf_path} && find . -name 'app*.tar' -printf '%P\\n' | sort"
    return ["sh", "-c", f"{script} | xargs -P{jobs} -n1 sh -c '{line} || true' sh"]


def work_through(work: Path, command: str, bare: int, count: int = 400) -> bool:
    """Print what each way through the shelf takes.

    Args:
        work: folder for all that is made.
        command: the command under test.
        bare: peak memory of an interpreter that does nothing; taken off every peak.
        count: archives on the shelf.

    Returns:
        Whether each way of ours found all failures and no other.
    """
    one = shelf(work / f"shelf-{count}", count)
    print(
        f"{one.sources} archives, {len(one.broken)} of them broken, {one.others} other files, "
        f"{one.size / 1e9:.2f} GB",
        flush=True,
    )
    out, log = work / "shelf-out", work / "shelf-log"
    every = sorted(str(path.relative_to(one.path)) for path in one.path.rglob("app*.tar"))
    good = True
    for title, ways in _jobs(command, one, out, every).items():
        print(f"\n{title}", flush=True)
        shutil.rmtree(out, ignore_errors=True)
        first = 0.0
        for way in ways:
            if not way.name.startswith("again"):
                for path in [out, *work.glob(".shelf-out*")]:
                    shutil.rmtree(path, ignore_errors=True)
                out.mkdir()
                subprocess.run(["sync", "-f", str(work)], check=True)
            ran = _run(way, log)
            first = first or ran.seconds
            row = f"  {way.name:34}{ran.seconds:9.2f} s{ran.seconds / first:9.2f} x"
            row += f"{(ran.peak - bare) / 1e6:9.0f} MB  exit {ran.status}"
            if way.failed is not None:
                found = way.failed()
                row += f"  failed {len(found)}"
                if found != one.broken:
                    good = False
                    row += f": OTHERS than {len(one.broken)}: {sorted(found ^ one.broken)[:4]}"
            print(row, flush=True)
    for path in [out, *work.glob(".shelf-out*")]:
        shutil.rmtree(path, ignore_errors=True)
    return good


def _jobs(
    command: str, one: Shelf, out: Path, every: Sequence[str]
) -> Mapping[str, Sequence[_Way]]:
    lines = out / "report.jsonl"
    made = out / "made"
    batch = [command, "batch"]
    how = ["--to", "oci", "--compression", "gzip"]

    def reported() -> set[str]:
        return _reported(lines, one.path)

    def verify(name: str) -> _Way:
        words = [*batch, "verify", str(one.path), "-q", "--report", str(lines)]
        return _Way(name, words, reported)

    def repack(name: str, dest: Path, *more: str) -> _Way:
        words = [*batch, "repack", str(one.path), *how, "-o", str(dest), *more]
        return _Way(name, [*words, "-q", "--report", str(lines)], reported)

    ours = f'mkdir -p "{made}/$(dirname "$1")"; {command} repack -q "$1" {" ".join(how)}'
    theirs = f'mkdir -p "{made}/$(dirname "$1")"; skopeo copy -q "docker-archive:$1"'
    lost = {"failed": lambda: _missing(made, every)}
    jobs = {
        "verify": [
            verify("layout batch verify"),
            verify("again, unchanged"),
            _Way("xargs -P2 layout verify", _each(one.path, f'{command} verify -q "$1"', 2)),
        ],
        "repack --to oci --compression gzip": [
            repack("layout batch repack", made),
            repack("again, unchanged", made),
            _Way(
                "xargs -P2 layout repack",
                _each(one.path, f'{ours} -o "{made}/$1"', 2),
                **lost,
            ),
        ],
        "the same into one layout": [
            repack("layout batch repack --merge", made, "--merge"),
            repack("again, unchanged", made, "--merge"),
        ],
    }
    if shutil.which("skopeo") is not None:
        loop = _each(one.path, f'{theirs} "oci-archive:{made}/$1"', 1)
        jobs["repack --to oci --compression gzip"].append(_Way("loop of skopeo copy", loop))
        beside = _each(one.path, f'{theirs} "oci-archive:{made}/$1"', 2)
        jobs["repack --to oci --compression gzip"].append(_Way("xargs -P2 skopeo copy", beside))
    return jobs


def tiny(work: Path, command: str, bare: int, count: int = 20_000) -> None:
    """Print what a shelf of many tiny archives takes of the main process's memory."""
    one = shelf(work / f"tiny-{count}", count, small=True)
    out = work / "shelf-out"
    print(f"\n{one.sources} tiny archives, {len(one.broken)} of them broken", flush=True)
    for path in [out, *work.glob(".shelf-out*")]:
        shutil.rmtree(path, ignore_errors=True)
    out.mkdir()
    words = [command, "batch", "verify", str(one.path), "-q", "--report", str(out / "r.jsonl")]
    for name in ("layout batch verify", "again, unchanged"):
        ran = _run(_Way(name, words), work / "shelf-log")
        print(
            f"  {name:34}{ran.seconds:9.2f} s{(ran.peak - bare) / 1e6:9.0f} MB  exit {ran.status}",
            flush=True,
        )
    shutil.rmtree(out)


if __name__ == "__main__":
    _work = Path(sys.argv[2])
    _bare = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    _count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    sys.exit(0 if work_through(_work, sys.argv[1], _bare, _count) else 1)
