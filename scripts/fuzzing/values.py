"""Changes to JSON values that keep them JSON, and a few that only a text can hold."""

# ruff: noqa: ARG001, SIM905  every change is called alike; a list of words is read more easily as a text
from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

ZERO = "sha256:" + "0" * 64
KEYS = (
    "schemaVersion mediaType artifactType config layers manifests blobs subject annotations digest"
    " size urls data platform architecture os variant os.version os.features rootfs diff_ids type"
    " history empty_layer created created_by author comment Config RepoTags Layers LayerSources"
    " Parent id parent throwaway fsLayers blobSum v1Compatibility signatures header protected"
    " signature jwk kid alg x5c formatLength formatTail name tag imageLayoutVersion Env Cmd Labels"
    " Healthcheck Interval container_config docker_version Size layer_id parent_id"
    " io.containerd.image.name org.opencontainers.image.ref.name vnd.docker.reference.type"
).split()
TYPES = [
    "application/vnd." + tail
    for tail in (
        "oci.image.index.v1+json",
        "oci.image.manifest.v1+json",
        "oci.image.config.v1+json",
        "oci.image.layer.v1.tar",
        "oci.image.layer.v1.tar+gzip",
        "oci.image.layer.v1.tar+zstd",
        "oci.image.layer.nondistributable.v1.tar+gzip",
        "oci.empty.v1+json",
        "oci.artifact.manifest.v1+json",
        "docker.distribution.manifest.v1+prettyjws",
        "docker.distribution.manifest.v1+json",
        "docker.distribution.manifest.v2+json",
        "docker.distribution.manifest.list.v2+json",
        "docker.container.image.v1+json",
        "docker.image.rootfs.diff.tar.gzip",
        "docker.image.rootfs.foreign.diff.tar.gzip",
        "oci.image.layer.v1.tar+gzip+encrypted",
    )
]
TEXTS = [
    *("", " ", ".", "..", "../x", "/", "a//b", "\0", "\n", "\x1b[31m", "\u202e", "\ufffd", "\\"),
    *("demo", "demo:2", "Demo:1", "a/b/c:d", "x@" + ZERO, "host:5000/a", "[::1]:5/a:b", ":"),
    *(ZERO, "sha256:", "sha512:" + "a" * 128, "sha256:" + "A" * 64, "md5:" + "0" * 32, "0" * 64),
    *("linux", "windows", "arm64", "amd64", "v8", "arm", "10.0.17763", "linux/amd64"),
    *("2024-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2024-13-99T99:99:99+99:99", "1.0.0"),
    *("manifest.json", "index.json", "oci-layout", "blobs/sha256/" + "0" * 64, "layer.tar"),
    *("a" * 300, "/" * 300, "\u00e4" * 200, "a/" * 150, "attestation-manifest", "layers"),
    *(
        "e30",
        "e30=",
        "====",
        "eyJhbGciOiJFUzI1NiJ9",
        "EC",
        "P-256",
        "RSA",
        "\u0130",
        "\u212a",
        "\u017f",
    ),
]
# What json.dumps cannot say: texts that stand in for them, unquoted afterwards.
RAW = [
    *("1e999", "-1e999", "NaN", "Infinity", "-0", "-0.0", "1E400", "0.1", "1.0", "1e2", "01"),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', "9" * 30, "-" + "9" * 30, "9" * 5000),
    *("[" * 40 + "]" * 40, "[" * 3000 + "]" * 3000, '{"a":' * 200 + "1" + "}" * 200, "", "nul"),
    '{"a":1,"a":2}',
    '{"digest":null,"Digest":"x"}',
]
NUMBERS = [0, 1, -1, 2, 511, 512, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**18]
_RAW = re.compile(r'"@raw(\d+)@"')
_TWICE = re.compile(r"@twice\d@")
_HEX = "0123456789abcdef"


def anything(rng: random.Random) -> Any:
    """A value of any type."""
    kind = rng.randrange(12)
    if kind < 3:
        return rng.choice(TEXTS)
    if kind < 5:
        return rng.choice(NUMBERS)
    if kind == 5:
        return f"@raw{rng.randrange(len(RAW))}@"
    if kind == 6:
        return rng.choice(TYPES)
    if kind == 7:
        return {rng.choice(KEYS): anything(rng) for _ in range(rng.randrange(3))}
    if kind == 8:
        return [anything(rng) for _ in range(rng.randrange(3))]
    return rng.choice([None, True, False, [], {}, "", [None], [[]], {"": None}])


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value: its container and its key."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            found += [(each, key) for key in each]
            todo += [item for item in each.values() if isinstance(item, dict | list)]
        elif isinstance(each, list):
            found += [(each, at) for at in range(len(each))]
            todo += [item for item in each if isinstance(item, dict | list)]
    return found


Step = Callable[[random.Random, Any, Any, list[tuple[Any, Any]]], None]


def _replace(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    holder[key] = anything(rng)


def _remove(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    del holder[key]


def _copy(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    """Put in what stands elsewhere (as text, so that no cycle comes of it)."""
    other, at = rng.choice(all_)
    holder[key] = json.loads(json.dumps(other[at]))


def _repeat(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    if isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice([1, 1, 2, 5, 40])
    else:
        holder[f"{key}@twice{rng.randrange(9)}@"] = rng.choice([holder[key], anything(rng)])


def _rename(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    if isinstance(holder, dict):
        new = rng.choice([str(key).upper(), str(key).title(), str(key).replace("s", "\u017f")])
        value = holder[key] if rng.random() < 0.3 else holder.pop(key)
        holder[new if rng.random() < 0.6 else rng.choice(KEYS)] = value
    else:
        rng.shuffle(holder)


def _add(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(KEYS)] = anything(rng)
    else:
        holder.append(anything(rng))


def _nudge(rng: random.Random, holder: Any, key: Any, all_: list[tuple[Any, Any]]) -> None:
    """A value a little different from what it was."""
    value = holder[key]
    if isinstance(value, bool) or value is None:
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = value + rng.choice([-1, 1, -512, 512, 2**32])
    elif isinstance(value, str) and value:
        at = rng.randrange(len(value))
        new = rng.choice(["", rng.choice(_HEX), rng.choice(TEXTS), value, value[at].upper()])
        holder[key] = value[:at] + new + value[at + rng.randrange(2) :]
    elif isinstance(value, list):
        holder[key] = value[::-1] if rng.random() < 0.5 else value[:-1]
    elif isinstance(value, dict):
        holder[key] = [value] if rng.random() < 0.5 else dict(reversed(value.items()))
    else:
        holder[key] = str(value)


_STEPS: tuple[Step, ...] = (_replace, _replace, _remove, _copy, _repeat, _rename, _add, _nudge)


def change(rng: random.Random, value: Any, steps: int) -> Any:
    """A value changed in some places; the one that is given may be changed too."""
    for _ in range(steps):
        found = places(value)
        if not found or rng.random() < 0.01:
            value = anything(rng)
            continue
        holder, key = rng.choice(found)
        rng.choice(_STEPS)(rng, holder, key, found)
    return value


def render(rng: random.Random, value: Any) -> str:
    """The text of a changed value, with what only a text can hold."""
    style = rng.randrange(8)
    text = json.dumps(
        value,
        ensure_ascii=style != 1,
        indent=3 if style == 2 else None,
        separators=(",", ":") if style > 2 else None,
    )
    if "@raw" in text:
        text = _RAW.sub(lambda match: RAW[int(match[1]) % len(RAW)], text)
    return _TWICE.sub("", text) if "@twice" in text else text


def garble(rng: random.Random, data: bytes) -> bytes:
    """Bytes with a few of them changed, cut or doubled: nothing of their structure is known."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            out[at : at + rng.choice([1, 4, 100])] = b""
        elif kind == 1:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 2, 8])))
        elif kind == 2:
            end = at + rng.randrange(64)
            out[at:at] = out[at:end]
        elif kind == 3:
            out[at:] = b"" if rng.random() < 0.2 else out[at:]
        elif at < len(out):
            out[at] = rng.randrange(256) if kind == 4 else out[at] ^ 1 << rng.randrange(8)
    return bytes(out)


def document(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """A changed document: as a value mostly, as bytes sometimes, as both rarely."""
    seed = rng.choice(seeds)
    kind = rng.random()
    if kind < 0.8:
        value = change(rng, json.loads(seed), rng.choice([1, 1, 1, 2, 3, 6]))
        seed = render(rng, value).encode("utf-8", "surrogatepass")
    return garble(rng, seed) if kind > 0.75 else seed
