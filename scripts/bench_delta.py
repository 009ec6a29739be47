"""Pairs of images for `scripts/bench delta`, made of Debian and PyPI packages, and their updates.

Needs debootstrap and pip with their package sources, root, zstd, xdelta3, bsdiff, and 4 GB of disk.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("bench_launch.py")
_TIME = 1_700_000_000
_SKIP = ("var/cache/apt", "var/lib/apt/lists", "var/log", "dev", "proc", "debootstrap")
_LEVEL = ["-19", "-q", "-f"]
_PATIENCE = 1200  # seconds that a program may take
Files = Iterator[tuple[tarfile.TarInfo, bytes]]


@dataclass(frozen=True)
class Step:
    """What one command took.

    Args:
        seconds: of the clock.
        peak: bytes of memory.
    """

    seconds: float
    peak: int


def _run(argv: Sequence[str], place: Path) -> Step | None:
    """Run a command; None where it does not come to a good end in time."""
    words = [sys.executable, "-IS", str(_LAUNCHER), "", *argv]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, cwd=place, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return None
    figures = done.stdout.split()
    if len(figures) != 4 or figures[3] != "0":
        print(f"  failed: {' '.join(argv)}: {done.stderr.strip()[-300:]}")
        return None
    return Step(float(figures[0]), int(figures[2]) * 1024)


def _debian(work: Path, suite: str) -> Path:
    """A root folder as debootstrap makes it, or one that is there from a former run."""
    root = work / suite
    if (root / "debootstrap").exists() or not (root / "usr/bin/dpkg").exists():
        line = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
        chosen = ["Identifier: Packages", "Origin: Debian", "Label: Debian"]
        found = subprocess.run([*line, *chosen], capture_output=True, text=True, check=True)
        mirror = found.stdout.split()[0]
        make = ["debootstrap", "--variant=minbase", suite, str(root), mirror]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    return root


def _wheel(work: Path, name: str, version: str) -> Path:
    """A wheel for this machine."""
    folder = work / "wheels" / f"{name}-{version}"
    if not folder.exists() or not any(folder.iterdir()):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "-d", str(folder), f"{name}=={version}"], check=True)
    return next(folder.iterdir())


def _tree(root: Path) -> Files:
    for where, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(folders + names):
            path = Path(where, name)
            inside = str(path.relative_to(root))
            if inside.startswith(_SKIP):
                continue
            info = tarfile.TarFile(fileobj=io.BytesIO(), mode="w").gettarinfo(str(path), inside)
            if info.islnk():  # each is told alone
                info.type = tarfile.REGTYPE
                info.size = path.stat().st_size
            yield info, path.read_bytes() if info.isreg() else b""


def _packages(*wheels: Path) -> Files:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as files:
            for name in sorted(files.namelist()):
                if not name.endswith("/"):
                    info = tarfile.TarInfo(f"usr/lib/python3/dist-packages/{name}")
                    data = files.read(name)
                    info.size, info.mtime = len(data), _TIME
                    yield info, data


def _retimed(files: Files, start: int) -> Files:
    """Files as a build writes them: each a moment after the one before."""
    for number, (info, data) in enumerate(files):
        info.mtime = start + number // 40
        yield info, data


def _layer(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in files:
            tar.addfile(info, io.BytesIO(data))
    return path


def _archive(path: Path, name: str, layers: Sequence[Path]) -> Path:
    """An OCI archive of raw layers."""
    hashes = [sha256(layer.read_bytes()).hexdigest() for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each}" for each in hashes]},
    }
    blobs: dict[str, bytes | Path] = dict(zip(hashes, layers, strict=True))

    def put(value: object, kind: str) -> dict[str, object]:
        data = json.dumps(value).encode()
        digest = sha256(data).hexdigest()
        blobs[digest] = data
        media_type = f"application/vnd.oci.image.{kind}.v1+json"
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    listed = [
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": f"sha256:{digest}",
            "size": layer.stat().st_size,
        }
        for digest, layer in zip(hashes, layers, strict=True)
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put(config, "config"),
        "layers": listed,
    }
    entry = put(manifest, "manifest")
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    with tarfile.open(path, "w") as tar:
        documents = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
        every = {**documents, **{f"blobs/sha256/{key}": data for key, data in blobs.items()}}
        for inside, data in every.items():
            info = tarfile.TarInfo(inside)
            if isinstance(data, Path):
                info.size = data.stat().st_size
                with data.open("rb") as file:
                    tar.addfile(info, file)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def _pair(work: Path, name: str, old: Sequence[Path], new: Sequence[Path]) -> tuple[Path, Path]:
    return (
        _archive(work / f"{name}-old.tar", "old", old),
        _archive(work / f"{name}-new.tar", "new", new),
    )


def pairs(work: Path) -> dict[str, Callable[[], tuple[Path, Path]]]:
    """The pairs by their names; each is made when it is called."""

    def times() -> tuple[Path, Path]:
        wheel, root = _wheel(work, "scipy", "1.14.0"), _debian(work, "bookworm")
        layers = [
            _layer(
                work / f"times-{start}.layer",
                _retimed((each for files in (_tree(root), _packages(wheel)) for each in files), at),
            )
            for start, at in (("old", _TIME), ("new", _TIME + 8_640_000))
        ]
        return _pair(work, "times", layers[:1], layers[1:])

    def debian() -> tuple[Path, Path]:
        layers = [
            _layer(work / f"{suite}.layer", _tree(_debian(work, suite)))
            for suite in ("bookworm", "trixie")
        ]
        return _pair(work, "debian", layers[:1], layers[1:])

    def wheel() -> tuple[Path, Path]:
        layers = [
            _layer(work / f"scipy-{each}.layer", _packages(_wheel(work, "scipy", each)))
            for each in ("1.14.0", "1.15.2")
        ]
        return _pair(work, "wheel", layers[:1], layers[1:])

    def application() -> tuple[Path, Path]:
        base = _layer(work / "bookworm.layer", _tree(_debian(work, "bookworm")))
        layers = [
            _layer(
                work / f"application-{each}.layer",
                _retimed(_packages(_wheel(work, "django", each)), _TIME + number * 86_400),
            )
            for number, each in enumerate(("5.1.1", "5.1.4"))
        ]
        return _pair(work, "application", [base, layers[0]], [base, layers[1]])

    def unrelated() -> tuple[Path, Path]:
        old = _layer(work / "bookworm.layer", _tree(_debian(work, "bookworm")))
        files = _packages(_wheel(work, "django", "5.1.1"), _wheel(work, "numpy", "2.1.3"))
        return _pair(work, "unrelated", [old], [_layer(work / "unrelated.layer", files)])

    made = {"new times": times, "Debian 12 to 13": debian, "scipy 1.14 to 1.15": wheel}
    return {**made, "changed application": application, "unrelated": unrelated}


@dataclass(frozen=True)
class _Way:
    """A way to carry an update: {old}, {new} are archives, {out} the update, {again} the result."""

    name: str
    make: str
    apply: str


def _ways(command: str) -> list[_Way]:
    level = " ".join(_LEVEL)
    patch = "zstd -q -f --long=31 --patch-from={old}"
    return [
        _Way("full, zstd", f"zstd {level} --long=31 {{new}} -o {{out}}", ""),
        _Way(
            "thin",
            f"{command} repack -q --force {{new}} --to oci --have {{old}} -o {{out}}",
            f"{command} repack -q --force {{out}} --base {{old}} --to oci -o {{again}}",
        ),
        _Way(
            "delta",
            f"{command} repack -q --force {{new}} --to oci --have {{old}} --delta -o {{out}}",
            f"{command} repack -q --force {{out}} --base {{old}} --to oci -o {{again}}",
        ),
        _Way(
            "zstd --patch-from",
            f"{patch} -19 {{new}} -o {{out}}",
            f"{patch} -d {{out}} -o {{again}}",
        ),
        _Way(
            "xdelta3 -9",
            "xdelta3 -e -9 -f -B 1073741824 -s {old} {new} {out}",
            "xdelta3 -d -f -B 1073741824 -s {old} {out} {again}",
        ),
        _Way("bsdiff", "bsdiff {old} {new} {out}", "bspatch {old} {again} {out}"),
    ]


def _row(way: _Way, old: Path, new: Path, work: Path, bare: int) -> str:
    out = work / ("update.tar" if "repack" in way.make else "update")
    again = work / "again.tar"
    for path in (out, again):
        path.unlink(missing_ok=True)
    names = {"old": old, "new": new, "out": out, "again": again}
    made = _run(way.make.format(**names).split(), work)
    if made is None or not out.exists():
        return f"  {way.name:20}{'does not end':>14}"
    row = f"  {way.name:20}{out.stat().st_size:14,}{made.seconds:10.1f}"
    applied = _run(way.apply.format(**names).split(), work) if way.apply else None
    row += f"{applied.seconds:10.2f}" if applied is not None else f"{'-':>10}"
    row += f"{(made.peak - bare) / 1e6:12.0f}"
    row += f"{(applied.peak - bare) / 1e6:10.0f}" if applied is not None else f"{'-':>10}"
    if applied is not None:
        row += f"{new.stat().st_size / 1e6 / applied.seconds:10.0f}"
    return row


def updates(work: Path, command: str, bare: int, only: Sequence[str] = ()) -> None:
    """Print what each way to carry each update takes.

    Args:
        work: folder for all that is made.
        command: the command under test.
        bare: peak memory of an interpreter that does nothing; taken off every peak.
        only: pairs to measure; all by default.
    """
    for name, make in pairs(work).items():
        if only and name not in only:
            continue
        old, new = make()
        print(f"\n{name}: {old.stat().st_size / 1e6:.0f} MB to {new.stat().st_size / 1e6:.0f} MB")
        head = f"  {'':20}{'bytes':>14}{'make s':>10}{'apply s':>10}{'make MB':>12}"
        print(f"{head}{'apply MB':>10}{'MB/s':>10}", flush=True)
        for way in _ways(command):
            print(_row(way, old, new, work, bare), flush=True)
