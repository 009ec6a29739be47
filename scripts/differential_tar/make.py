"""One random archive: an image GOOD, an image EVIL, and headers that readers may disagree about."""

# ruff: noqa: ARG001  every trick is called alike
from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Callable

import attrs

BLOCK = 512
END = bytes(2 * BLOCK)


@attrs.frozen(kw_only=True)
class Made:
    """An archive and what is in it.

    Args:
        form: `docker` (manifest.json), `oci` (index.json) or `both`.
        tag: name of the image, the same for both readings, unique in a run.
        configs: digest of each config, and whose it is.
        tricks: what was done.
    """

    data: bytes
    form: str
    tag: str
    configs: dict[str, str]
    tricks: tuple[str, ...]


def block(name: bytes, size: int = 0, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A header with any of its fields as wanted: mode, sized, link, magic, prefix, tail."""
    head = bytearray(BLOCK)
    head[: min(len(name), 100)] = name[:100]
    head[100:124] = b"0000644\0" + b"0000000\0" * 2
    head[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + struct.pack(">3xQ", size)
    head[136:148] = b"00000000000\0"
    head[156:157] = kind
    head[257:265] = b"ustar\x0000"
    places = {"mode": 100, "sized": 124, "link": 157, "magic": 257, "prefix": 345, "tail": 508}
    for key, value in fields.items():
        head[places[key] : places[key] + len(value)] = value
    return summed(bytes(head))


def summed(head: bytes) -> bytes:
    """The same header with a checksum that holds."""
    return head[:148] + b"%06o\0 " % sum(head[:148] + b" " * 8 + head[156:]) + head[156:]


def padded(data: bytes) -> bytes:
    """Data up to the end of its last block."""
    return data + bytes(-len(data) % BLOCK)


def member(name: str, data: bytes, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A member with its data."""
    return block(name.encode(), len(data), kind, **fields) + padded(data)


def pax(*pairs: tuple[str, str], kind: bytes = b"x") -> bytes:
    """An extended header."""
    body = b""
    for key, value in pairs:
        rest = f" {key}={value}\n".encode()
        size = len(rest) + 1
        while len(str(size)) + len(rest) != size:
            size += 1
        body += str(size).encode() + rest
    return member("PaxHeaders/x", body, kind)


def gnu(kind: bytes, value: str) -> bytes:
    """A GNU long name or long link."""
    return member("././@LongLink", value.encode() + b"\0", kind, magic=b"ustar  \0")


def digest(data: bytes) -> str:
    """The sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


LAYER = member("f", b"the same for all") + END
LAYER_NAME = f"blobs/sha256/{digest(LAYER)}"


def image(who: str, tag: str, form: str) -> dict[str, bytes]:
    """The files of an image whose config says whose it is."""
    doc = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"who": who, "tag": tag}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(LAYER)}"]},
    }
    config = json.dumps(doc).encode()
    name = f"blobs/sha256/{digest(config)}"
    files = {name: config, LAYER_NAME: LAYER}
    if form in {"docker", "both"}:
        listed = [{"Config": name, "RepoTags": [tag], "Layers": [LAYER_NAME]}]
        files["manifest.json"] = json.dumps(listed).encode()
    if form in {"oci", "both"}:
        kind = "application/vnd.oci.image."

        def entry(suffix: str, data: bytes) -> dict[str, object]:
            return {
                "mediaType": kind + suffix,
                "digest": f"sha256:{digest(data)}",
                "size": len(data),
            }

        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": kind + "manifest.v1+json",
                "config": entry("config.v1+json", config),
                "layers": [entry("layer.v1.tar", LAYER)],
            }
        ).encode()
        files[f"blobs/sha256/{digest(manifest)}"] = manifest
        listed_entry = entry("manifest.v1+json", manifest)
        repository = f"docker.io/library/{tag}"
        listed_entry["annotations"] = {
            "io.containerd.image.name": repository,
            "org.opencontainers.image.ref.name": tag.partition(":")[2],
        }
        files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [listed_entry]}).encode()
        files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    return files


CONTROL = ("manifest.json", "index.json")
Trick = Callable[[random.Random, str, bytes, bytes], bytes]


def _sparse(minor: str) -> Trick:
    def made(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
        size = str(len(data))
        named = [("GNU.sparse.name", name)] if rng.random() < 0.7 else []
        shown = rng.choice([name, "GNUSparseFile.0/x"])
        if minor == "1.0":
            content = padded(f"1\n0\n{size}\n".encode()) + data
            head = pax(
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                *named,
                ("GNU.sparse.realsize", size),
            )
            return head + member(shown, content)
        head = pax(
            *([("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1")] if rng.random() < 0.5 else []),
            ("GNU.sparse.size", size),
            ("GNU.sparse.numblocks", "1"),
            *(
                [("GNU.sparse.offset", "0"), ("GNU.sparse.numbytes", size)]
                if minor == "0.0"
                else []
            ),
            *named,
            *([("GNU.sparse.map", f"0,{size}")] if minor == "0.1" else []),
        )
        return head + member(shown, data)

    return made


def _old_sparse(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    head = bytearray(block(name.encode(), len(data), b"S", magic=b"ustar  \0"))
    head[386:410] = b"%011o\0%011o\0" % (0, len(data))
    head[483:495] = b"%011o\0" % len(data)
    if rng.random() < 0.3:
        head[482] = 1
        return summed(bytes(head)) + bytes(BLOCK) + padded(data)
    return summed(bytes(head)) + padded(data)


def _sized(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    """A member that one reader takes as having data, and that holds another of this name."""
    inner = member(name, data)
    kind = rng.choice([b"6", b"3", b"4", b"5", b"1", b"2", b"0", b"0", b"\0", b"\0", b"7", b"A"])
    shown = rng.choice(["pad", "pad/", "p/q/"])
    stated = rng.choice([len(inner), len(inner) + BLOCK, BLOCK, -BLOCK])
    sized = rng.choice(
        [
            b"%011o\0" % max(stated, 0),
            b"\0%010o\0" % max(stated, 0),
            b" %010o " % max(stated, 0),
            b"%06o\0 9999" % max(stated, 0),
            (b"\xff" if stated < 0 else b"\x80") + (stated % (1 << 88)).to_bytes(11, "big"),
            b"\x80" + max(stated, 0).to_bytes(11, "big"),
            b"%012o" % max(stated, 0),
            b"%o" % max(stated, 0),
            b"0x%o" % max(stated, 0),
        ]
    ).ljust(12, b"\0")
    link = name.encode() if kind in b"12" else b""
    return block(shown.encode(), 0, kind, sized=sized, link=link) + inner


def _pax_sized(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    inner = member(name, data)
    stated = rng.choice([str(len(inner)), f"+{len(inner)}", f"0{len(inner)}", "", "-512", "0"])
    header = rng.choice([0, len(inner)])
    return pax(("size", stated)) + block(b"pad", header, rng.choice([b"0", b"6", b"1"])) + inner


def _extended(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    """Some extended headers in a row, of which one or the other has the name."""
    junk = "junk"
    parts = [
        lambda: pax(("path", rng.choice([name, junk, ""]))),
        lambda: pax(("mtime", rng.choice(["1", "1.5", "x", "9" * 30, "-1"]))),
        lambda: gnu(b"L", rng.choice([name, junk, ""])),
        lambda: gnu(b"K", rng.choice([name, junk])),
        lambda: pax((rng.choice(["a", "path", "size"]), rng.choice([name, "7"])), kind=b"g"),
        lambda: pax(("path", name), ("path", rng.choice(["", junk]))),
        lambda: pax(("path", rng.choice([name, junk]) + "\0x")),
        lambda: pax(("linkpath", name), ("uid", rng.choice(["1", "x", ""]))),
    ]
    before = b"".join(rng.choice(parts)() for _ in range(rng.randint(1, 3)))
    return before + member(rng.choice([name, junk]), data)


def _named(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    around = [("./", ""), ("/", ""), ("", "/"), ("a/../", ""), (".//", ""), ("../", ""), ("", "")]
    around += [("", "\0x"), ("./a/./../", ""), ("//", ""), ("", "/."), ("", " ")]
    before, after = rng.choice(around)
    spelled = f"{before}{name}{after}" if rng.random() < 0.95 else name.upper()
    return member(spelled, data, rng.choice([b"0", b"\0", b"7"]))


def _format(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    """A name cut over name and prefix, in a header whose format has one or none."""
    magic = rng.choice([b"ustar\x0000", b"ustar  \0", bytes(8), b"ustar\0\0\0", b"ustar 00"])
    prefix = rng.choice([b"", b".", b"junk", b"\xff", b"00000000000\0", b"p" * 131 + b"00000"])
    mode = rng.choice([b"0000644\0", b"0100644\0", b"0120644\0", b"0040755\0", b"x", b"\xff" * 8])
    tail = rng.choice([b"", b"", b"tar\0"])
    return member(name, data, magic=magic, prefix=prefix, mode=mode, tail=tail, link=b"evil.json")


def _linked(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    kind = rng.choice([b"1", b"2"])
    target = rng.choice(["evil.json", "/evil.json", "./evil.json", "d/../evil.json", "d/evil.json"])
    parts = [block(name.encode(), 0, kind, link=target.encode()), member("evil.json", data)]
    rng.shuffle(parts)
    if rng.random() < 0.5:
        at = rng.randint(0, 2)
        parts.insert(at, block(b"d", 0, b"2", link=rng.choice([b".", b"e", b"/"])))
        parts.append(member(rng.choice(["e/", "d/"]) + rng.choice([name, "evil.json"]), data))
    return b"".join(parts)


def _plain(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    return member(name, rng.choice([data, data, good]))


def _typed(rng: random.Random, name: str, data: bytes, good: bytes) -> bytes:
    return member(name, data, rng.choice([b"\0", b"7", b"A", b"g", b"x", b"6", b"3", b"5", b"D"]))


TRICKS: dict[str, Trick] = {
    "plain": _plain,
    "sized": _sized,
    "pax size": _pax_sized,
    "extended": _extended,
    "name": _named,
    "format": _format,
    "link": _linked,
    "type": _typed,
    "sparse 0.0": _sparse("0.0"),
    "sparse 0.1": _sparse("0.1"),
    "sparse 1.0": _sparse("1.0"),
    "old sparse": _old_sparse,
}


def make(seed: int, number: int) -> Made:
    """The archive of a seed and a number."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311  repeatable
    tag = f"app:{seed}-{number}"
    form = rng.choice(["docker", "docker", "oci", "both"])
    good, evil = image("GOOD", tag, form), image("EVIL", tag, form)
    configs = {
        name.rpartition("/")[2]: who
        for who, files in (("GOOD", good), ("EVIL", evil))
        for name, data in files.items()
        if b'"rootfs"' in data
    }
    used: list[str] = []
    parts = [member(name, data) for name, data in good.items()]
    parts += [member(name, data) for name, data in evil.items() if name not in good]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        trick = rng.choice(sorted(TRICKS))
        name = rng.choice([each for each in CONTROL if each in good])
        used.append(trick)
        made = TRICKS[trick](rng, name, evil[name], good[name])
        if rng.random() < 0.6:  # instead of the plain one
            parts = [part for part in parts if part != member(name, good[name])]
        parts.insert(rng.choice([0, len(parts), rng.randint(0, len(parts))]), made)
    if rng.random() < 0.2:
        rng.shuffle(parts)
    data = b"".join(parts) + rng.choice([END, END, END + bytes(8 * BLOCK), bytes(BLOCK), b""])
    what = rng.random()
    if what < 0.1:
        used.append("changed")
        data = _changed(rng, data)
    elif what < 0.13:
        used.append("cut")
        data = data[: rng.randrange(BLOCK, len(data))]
    elif what < 0.16:
        used.append("zero block")
        at = rng.randrange(len(data) // BLOCK) * BLOCK
        data = data[:at] + bytes(BLOCK * rng.randint(1, 2)) + data[at:]
    elif what < 0.18:
        used.append("after the end")
        data += b"".join(member(name, content) for name, content in evil.items()) + END
    return Made(data=data, form=form, tag=tag, configs=configs, tricks=tuple(used or ["none"]))


def _changed(rng: random.Random, data: bytes) -> bytes:
    """A byte of a header is another, and its checksum holds."""
    heads = [at for at in range(0, len(data), BLOCK) if data[at + 257 : at + 262] == b"ustar"]
    if not heads:
        return data
    at = rng.choice(heads)
    head = bytearray(data[at : at + BLOCK])
    for _ in range(rng.randint(1, 3)):
        where = rng.choice([rng.randrange(BLOCK), rng.randrange(100, 160), rng.randrange(257, 265)])
        head[where] = rng.choice([0, 32, 48, 49, 55, 56, 128, 255, rng.randrange(256)])
    return data[:at] + summed(bytes(head)) + data[at + BLOCK :]
