"""What can be wrong with V1 archives and schema 1 manifests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.builders import write_files, write_index_layout, write_members
from tests.builders.legacy import Step, ids_of, schema1, schema1_dir, steps_of, v1_files
from tests.builders.signing import key, pem, signature, signed, with_signatures
from tests.verification.situation import Make, Situation
from tests.verification.situations_bytes import platforms

Members = dict[str, Any]
STEPS: Sequence[Step] = steps_of({"a": b"hello\n"}, {"b": b"world\n"})
IDS = ids_of(STEPS)
PAYLOAD = schema1(STEPS)


def v1(change: Callable[[Members], object]) -> Make:
    """A V1 archive, changed."""

    def make(folder: Path) -> Path:
        members: Members = dict(v1_files(STEPS, "demo:1"))
        change(members)
        return write_members(members, folder / "image.tar")

    return make


def step(number: int, **fields: Any) -> Make:
    """A V1 archive with other fields in the document of one step."""

    def change(members: Members) -> None:
        name = f"{IDS[number]}/json"
        members[name] = json.dumps({**json.loads(members[name]), **fields}).encode()

    return v1(change)


def no_id(members: Members) -> None:
    members["repositories"] = b'{"demo":{"1":"../../etc"}}'


def many(folder: Path) -> Path:
    """A V1 image of many steps, without a layer in any but the first."""
    steps = [*STEPS, *(Step(STEPS[0].layer, extra={"n": number}) for number in range(8))]
    return write_members(v1_files(steps, "demo:1"), folder / "image.tar")


def lone(raw: bytes) -> Make:
    """A `dir:` of a schema 1 manifest."""
    return lambda folder: write_files(schema1_dir(STEPS, raw), folder / "layout")


def more_than_signed() -> bytes:
    return signed(PAYLOAD)[:-2] + b',\n   "more": 1\n}'


def broken_signature() -> bytes:
    made = signature(PAYLOAD, key())
    raw = bytearray(base64.urlsafe_b64decode(made["signature"] + "=="))
    raw[5] ^= 1
    text = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    return with_signatures(PAYLOAD, [{**made, "signature": text}])


def another_key(folder: Path) -> tuple[str, ...]:
    path = folder / "key.pem"
    path.write_bytes(pem(key(number=1)))
    return (str(path),)


def attested(folder: Path) -> Path:
    return write_index_layout(folder / "layout", platforms(), attestations=True)


SITUATIONS = [
    Situation("bad-signature", "error", lone(with_signatures(PAYLOAD, [{"header": {}}]))),
    Situation("unsigned-content", "error", lone(more_than_signed())),
    Situation("signature-valid", "note", lone(signed(PAYLOAD))),
    Situation("signature-invalid", "error", lone(broken_signature())),
    Situation("signature-untrusted", "error", lone(signed(PAYLOAD)), {"trusted_keys": another_key}),
    Situation("signature-unchecked", "warning", lone(signed(PAYLOAD)), unsigned=True),
    Situation("unsigned", "note", lone(PAYLOAD)),
    Situation("bad-v1-id", "error", v1(no_id)),
    Situation("v1-id-mismatch", "error", step(0, id="0" * 64)),
    Situation("v1-parent-missing", "error", step(0, parent="0" * 64)),
    Situation("v1-loop", "error", step(0, parent=IDS[1])),
    Situation("v1-depth", "error", many, limits={"V1_DEPTH": 5}),
    Situation(
        "attachment-dropped",
        "warning",
        attested,
        repack={"to": "oci", "attestations": "drop"},
    ),
]
