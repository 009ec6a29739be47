"""One signature held against what is trusted. Imports ``cryptography``."""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from oci_layout.signatures.certificates import (
    RefusedError,
    check_dates,
    check_identity,
    check_purpose,
    check_revoked,
    key_of,
    name_of,
    path_of,
    read,
)
from oci_layout.signatures.keys import Key, Message, PublicKey, made_by
from oci_layout.signatures.policy import Check, enforced
from oci_layout.signatures.trust import Trust
from oci_layout.signatures.values import Proof, Signed

# Fulcio's own extensions (sigstore/fulcio docs/oid-info.md) begin with this.
_FULCIO = "1.3.6.1.4.1.57264.1."


class State(enum.IntEnum):
    """What came of a signature, the best last."""

    UNTRUSTED = 0
    UNCHECKED = 1
    REFUSED = 2
    INVALID = 3
    HOLDS = 4


@attrs.frozen(kw_only=True, eq=False)
class Checked:
    """What came of one signature.

    Args:
        state: in a word.
        by: the key or certificate that made it, or is said to have.
        how: what stands for it: ``key``, ``certificate`` or ``identity``.
        code: of the finding, where it does not hold.
        reason: why it does not hold.
        passed_over: what is wrong with it and not enforced, each with its code.
    """

    state: State
    by: str = ""
    how: str = "key"
    code: str = ""
    reason: str = ""
    passed_over: tuple[tuple[str, str], ...] = ()


def check(signed: Signed, trust: Trust, document: bytes | None) -> Checked:
    """Hold a signature against what is trusted.

    Args:
        signed: as read.
        trust: what is trusted.
        document: the manifest or index that it stands with; None where that is not there.
    """
    messages: dict[bytes | None, Message] = {
        proof.message: Message(proof.message) for proof in signed.proofs if proof.message
    }
    if document is not None:
        messages[None] = Message(document)
    best = max(
        (_proof(signed, proof, trust, messages.get(proof.message)) for proof in signed.proofs),
        key=_state,
    )
    expires = signed.expires
    if best.state is not State.HOLDS or expires is None or trust.anchors.now <= expires:
        return best
    code = "signature-expired"
    text = f"the signature has expired: {expires:%Y-%m-%d %H:%M} UTC"
    if enforced(trust.level, Check.EXPIRY):
        return attrs.evolve(best, state=State.REFUSED, code=code, reason=text)
    return attrs.evolve(best, passed_over=(*best.passed_over, (code, text)))


def _state(checked: Checked) -> State:
    return checked.state


def _proof(signed: Signed, proof: Proof, trust: Trust, message: Message | None) -> Checked:
    if message is None:
        text = "what it is of is not here"
        return Checked(state=State.UNCHECKED, code="signature-unchecked", reason=text)
    if proof.chain:
        return _by_certificate(signed, proof, trust, message)
    return _by_key(proof, trust, message)


def _made(key: PublicKey, proof: Proof, message: Message) -> bool:
    return made_by(key, proof.signature, message, proof.algorithms, raw_ecdsa=proof.raw_ecdsa)


def _by_key(proof: Proof, trust: Trust, message: Message) -> Checked:
    for key in trust.keys:
        if _made(key.public, proof, message):
            return _of_given(key, trust)
    named = next((key for key in trust.keys if proof.hint == key.hint), None)
    possible = trust.keys if named is None else [named]
    if any(isinstance(key.public, ed25519.Ed25519PublicKey) for key in possible):
        # cosign 3 signs with Ed25519ph (pkg/cosign/keys.go) and verifies Ed25519; no library here
        # has the former.
        text = "is of none of the given keys; or what was signed was changed; or it is Ed25519ph, "
        text += "which cosign 3 makes of such keys and does not verify itself"
        return Checked(state=State.UNTRUSTED, code="signature-untrusted", reason=text)
    if named is not None:
        return Checked(
            state=State.INVALID,
            by=named.label,
            code="signature-invalid",
            reason=f"names the key of {named.label}, and is not that key's signature of what it "
            "says: one of the two was changed",
        )
    # A bundle says which key; cosign's older signatures do not: a changed payload looks the same.
    reason = "is of another key than those given"
    if not proof.hint:
        reason = "is of none of the given keys, or what was signed was changed"
    return Checked(state=State.UNTRUSTED, code="signature-untrusted", reason=reason)


def _of_given(key: Key, trust: Trust) -> Checked:
    """What came of a signature that a given key made; of a certificate, it must be valid now."""
    found = Checked(state=State.HOLDS, by=key.label)
    if key.certificate is None:
        return found
    found = attrs.evolve(found, how="certificate", by=name_of(key.certificate))
    return _enforce(found, trust, _common(key.certificate, [key.certificate], trust))


def _by_certificate(signed: Signed, proof: Proof, trust: Trust, message: Message) -> Checked:
    try:
        chain = read(proof.chain)
    except RefusedError as error:
        return Checked(state=State.REFUSED, code=error.code, reason=str(error))
    leaf = chain[0]
    key = key_of(leaf)
    if not _made(key, proof, message):
        return Checked(
            state=State.INVALID,
            by=name_of(leaf),
            how="certificate",
            code="signature-invalid",
            reason=f"is not one of what it says, by the key of {name_of(leaf)}",
        )
    given = next((each for each in trust.keys if each.public == key), None)
    if given is not None and given.certificate is None:
        return Checked(state=State.HOLDS, by=given.label)
    found = Checked(state=State.HOLDS, by=name_of(leaf), how="certificate")
    try:
        path = path_of(chain, trust.anchors)
    except RefusedError as error:
        other = _keyless(signed, proof, leaf, trust, message)
        if other is not None:
            return other
        checks = [(Check.AUTHENTICITY, _raising(error)), *_common(leaf, chain, trust)]
        return _enforce(found, trust, checks)
    return _enforce(found, trust, _common(leaf, path, trust))


_Checks = list[tuple[Check, Callable[[], None]]]


def _common(leaf: x509.Certificate, path: list[x509.Certificate], trust: Trust) -> _Checks:
    """What is asked of a certificate, whatever vouches for it."""
    checks: _Checks = [
        (Check.AUTHENTICITY, lambda: check_purpose(leaf)),
        (Check.TIME, lambda: check_dates(path, trust.anchors.now)),
        (Check.REVOCATION, lambda: check_revoked(path, trust.anchors)),
    ]
    if trust.identity:
        checks.append((Check.AUTHENTICITY, lambda: check_identity(leaf, trust.identity)))
    return checks


def _raising(error: RefusedError) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


def _enforce(found: Checked, trust: Trust, checks: _Checks) -> Checked:
    """A signature that holds, unless a check fails that the level enforces."""
    passed_over = []
    for kind, run in checks:
        try:
            run()
        except RefusedError as error:
            if enforced(trust.level, kind):
                return attrs.evolve(found, state=State.REFUSED, code=error.code, reason=str(error))
            passed_over.append((error.code, str(error)))
    return attrs.evolve(found, passed_over=tuple(passed_over))


def _keyless(
    signed: Signed, proof: Proof, leaf: x509.Certificate, trust: Trust, message: Message
) -> Checked | None:
    """What came of a certificate of a sigstore; None for any other."""
    if not any(each.oid.dotted_string.startswith(_FULCIO) for each in _extensions(leaf)):
        return None
    unchecked = Checked(
        state=State.UNCHECKED, by=name_of(leaf), how="identity", code="signature-unchecked"
    )
    if trust.keyless is None:
        text = "was made without a key: it needs --trusted-root, --identity and --issuer"
        return attrs.evolve(unchecked, reason=text)
    if not signed.bundle:
        text = "was made without a key and is no bundle: cosign itself can check it"
        return attrs.evolve(unchecked, reason=text)
    from oci_layout.signatures.keyless import verify_bundle  # noqa: PLC0415  an optional extra

    refused = verify_bundle(
        signed.bundle,
        trust.keyless,
        certificate=proof.chain[0],
        document=message.data if proof.message is None else None,
    )
    if refused:
        return attrs.evolve(
            unchecked, state=State.REFUSED, code="certificate-untrusted", reason=refused
        )
    return Checked(state=State.HOLDS, by=trust.keyless.identity, how="identity")


def _extensions(leaf: x509.Certificate) -> list[x509.Extension[x509.ExtensionType]]:
    try:
        return list(leaf.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return []
