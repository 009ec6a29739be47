"""What can be wrong with the signatures of an image; tests/signatures has many more of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.signatures import holding, test_cosign, test_notation
from tests.signatures.case import Case, layout, written
from tests.verification.situation import Situation

CASES = {
    case.name: case
    for case in (
        *holding.HOLDS,
        *test_cosign.FAILS,
        *test_notation.HOLDS,
        *test_notation.FAILS,
    )
}


def of(name: str, code: str = "", severity: str = "error") -> Situation:
    """The situation of a case; its own code, where it fails."""
    return situation(CASES[name], code or CASES[name].code, severity)


def situation(case: Case, code: str, severity: str, *, require: bool = True) -> Situation:
    """A case as a situation."""

    def files(option: str, contents: Sequence[bytes]) -> Callable[[Path], list[str]]:
        return lambda folder: written(folder, option, contents)

    how: Mapping[str, Any] = {
        "keys": files("key", case.keys),
        "require_signature": require,
        **case.asked,
        **{option: files(option, contents) for option, contents in case.files.items()},
    }
    return Situation(code, severity, case.make, how)


def lenient(name: str, code: str) -> Situation:
    """What is a warning where no signature is required."""
    return situation(CASES[name], code, "warning", require=False)


UNSIGNED = Case("", layout(), [holding.PEM])
SITUATIONS = [
    of("a payload that is no JSON"),
    of("cosign save", "signature-valid", "note"),
    of("a changed payload"),
    of("another key"),
    of("ours beside a stranger's", "signature-untrusted", "note"),
    of("made without a key, and no trusted root"),
    lenient("made without a key, and no trusted root", "signature-unchecked"),
    situation(UNSIGNED, "signature-missing", "error"),
    situation(UNSIGNED, "signature-missing", "warning", require=False),
    of("a signature moved over"),
    of("a tag of before a conversion"),
    lenient("a tag of before a conversion", "signature-stale"),
    of("expired"),
    of("expired, and permissive", "signature-expired", "warning"),
    of("a changed layer"),
    of("a claim that is not made"),
    of("an authority of others"),
    of("of nobody known, and audited", "certificate-untrusted", "warning"),
    of("out of date"),
    of("out of date, and permissive", "certificate-expired", "warning"),
    of("for servers"),
    of("revoked"),
    of("an attestation that is not there"),
]
