"""What an engine's own store is filled with: layers of every kind of file and header."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

from tests.builders import layer_tar, make_image
from tests.builders.image import Image, Layer
from tests.interop.built import DOCKERFILE, Builder

REAL = ("usr/share/zoneinfo", "usr/lib/git-core", "usr/share/perl5", "etc")


def odd_layer() -> bytes:
    """Links, devices, names of many kinds, a whiteout and padding, in three forms of tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, link in (
            ("dev", tarfile.DIRTYPE, ""),
            ("dev/null", tarfile.CHRTYPE, ""),
            ("dev/pipe", tarfile.FIFOTYPE, ""),
            ("etc", tarfile.DIRTYPE, ""),
            ("etc/link", tarfile.SYMTYPE, "../../../etc/shadow"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.devmajor, member.devminor = kind, link, 1, 3
            tar.addfile(member)
        for name, data in (
            ("./etc/dotted", b"dotted"),
            ("etc/" + "long" * 40, b"long" * 1000),
            ("etc/p\u00e4th", b"utf-8"),
            ("etc/\udcff\udcfe", b"no utf-8"),
            ("etc/.wh.gone", b""),
            ("etc/large", bytes(range(251)) * 20_000),
            ("etc/a<b>&\u2028", b"escaped in JSON"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        member = tarfile.TarInfo("etc/hard")
        member.type, member.linkname = tarfile.LNKTYPE, "etc/large"
        tar.addfile(member)
    return out.getvalue() + bytes(50_000)


def real_layer() -> bytes:
    """Some thousand files of this machine, as GNU tar or PAX has them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in REAL:
            if Path("/", name).is_dir():
                tar.add(f"/{name}", name)
    return out.getvalue()


def of_layers(raw: list[bytes], name: str) -> Image:
    """An image of these layers."""
    image = make_image([{} for _ in raw], names=(name,))
    layers = tuple(map(Layer, raw))
    config = {
        **image.config,
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
    }
    return Image(layers=layers, config=config, names=(name,))


def linked(name: str) -> Image:
    """An image with a file behind a link of the layer below, and behind one of its own."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, link in (
            ("usr", ""),
            ("usr/lib", ""),
            ("lib", "usr/lib"),
            ("absolute", "/usr/lib"),
            ("opt", ""),
            ("opt/up", "../usr"),  # Docker 28 takes none that leads above the root
        ):
            member = tarfile.TarInfo(path)
            member.mode = 0o755
            member.type, member.linkname = tarfile.SYMTYPE if link else tarfile.DIRTYPE, link
            tar.addfile(member)
        member = tarfile.TarInfo("lib/own")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"own"))
    # No folder of it is made anew: GNU tar packs so with the names of files alone.
    upper = io.BytesIO()
    with tarfile.open(fileobj=upper, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in ("lib/x", "absolute/y", "opt/up/lib/z"):
            member = tarfile.TarInfo(path)
            member.size = len(path)
            tar.addfile(member, io.BytesIO(path.encode()))
    return of_layers([out.getvalue(), upper.getvalue(), layer_tar({"etc/end": b"1"})], name)


def state(root: Path) -> dict[str, tuple[int, ...]]:
    """Each regular file of a root with its size and times, that of its last access among them."""
    found: dict[str, tuple[int, ...]] = {}
    for path in root.rglob("*"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
            found[str(path)] = (status.st_size, *times)
    return found


def context(builder: Builder) -> Path:
    """A folder to build from."""
    folder = builder.work / "rootcontext"
    for path, data in (
        ("Dockerfile", DOCKERFILE.encode()),
        ("bin/busybox", builder.busybox),
        ("bin/sh", builder.busybox),
        ("etc/motd", b"hello\n"),
        ("etc/gone", b"gone"),
    ):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o755 if "bin" in path else 0o644)
    return folder
