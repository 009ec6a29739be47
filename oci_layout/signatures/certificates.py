"""Certificates of signers: whether they lead to a trusted one and may sign.

Imports ``cryptography``.

Paths are found and checked by ``cryptography.x509.verification`` (RFC 5280, 6); what may sign code
is the rule of notaryproject signature-specification.md, "Certificate Requirements", which cosign's
own certificates meet too.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Sequence
from typing import TypeVar

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.signatures.keys import PublicKey, usable

# signature-specification.md, "Leaf Certificates", 3: a purpose that is not code signing.
_OTHER_PURPOSES = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any purpose",
    ExtendedKeyUsageOID.SERVER_AUTH: "servers",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clients",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "e-mail",
    ExtendedKeyUsageOID.TIME_STAMPING: "timestamps",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP",
}


_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class RefusedError(Exception):
    """A certificate that proves nothing, with the code of the finding."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@attrs.frozen(kw_only=True, eq=False)
class Anchors:
    """What certificates must lead to.

    Args:
        certificates: that are trusted.
        revoked: lists of revoked certificates.
        now: when certificates must be valid, UTC.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    revoked: tuple[x509.CertificateRevocationList, ...] = ()
    now: datetime.datetime


def name_of(certificate: x509.Certificate) -> str:
    """Whom a certificate names, as RFC 4514 writes it; or else another name of that one."""
    try:
        named = certificate.subject.rfc4514_string()
        others = None if named else _extension(certificate.extensions, x509.SubjectAlternativeName)
        if others is not None:
            named = ", ".join(str(each.value)[:200] for each in list(others)[:1])
    except _UNREADABLE:
        return "somebody whose name cannot be read"
    return named or "somebody without a name"


def read(chain: Sequence[bytes]) -> list[x509.Certificate]:
    """Certificates out of their DER, each with a key that signs.

    Raises:
        RefusedError: one is none, or is larger than any is, or has a key that nobody takes.
    """
    if len(chain) > limits.CERTIFICATE_CHAIN:
        most = limits.CERTIFICATE_CHAIN
        text = f"a chain of {plural(len(chain), 'certificate')}, where {most} are the most"
        raise RefusedError("certificate-unfit", text)
    found = []
    for der in chain:
        if len(der) > limits.CERTIFICATE_BYTES:
            text = (
                f"a certificate of {plural(len(der), 'byte')}, more than {limits.CERTIFICATE_BYTES}"
            )
            raise RefusedError("certificate-unfit", text)
        try:
            certificate = load(der)
            key_of(certificate)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
            text = f"a certificate that cannot be read: {str(error)[:120]}"
            raise RefusedError("certificate-unfit", text) from error
        found.append(certificate)
    return found


def load(der: bytes) -> x509.Certificate:
    """A certificate out of its DER, all that is asked of it read once: the library is lazy.

    Raises:
        ValueError: it is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of what the library takes today, and will not
        try:
            certificate = x509.load_der_x509_certificate(der)
        except Warning as warning:
            raise ValueError(str(warning)) from warning
    for each in (certificate.subject, certificate.issuer):
        each.rfc4514_string()
    if certificate.not_valid_before_utc > certificate.not_valid_after_utc:
        raise ValueError("it ends before it begins")
    return certificate


def key_of(certificate: x509.Certificate) -> PublicKey:
    """The key of a certificate.

    Raises:
        RefusedError: it is none that signs images.
    """
    try:
        return usable(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        text = f"the certificate of {name_of(certificate)} has {error}"
        raise RefusedError("certificate-unfit", text) from error


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others (RFC 5280, 4.2.1.9)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except _UNREADABLE:
        return False
    return found.value.ca


def path_of(chain: Sequence[x509.Certificate], anchors: Anchors) -> list[x509.Certificate]:
    """The certificates from a signer's to a trusted one, both included.

    Args:
        chain: the signer's certificate, and others that may lead on.
        anchors: what is trusted.

    Raises:
        RefusedError: it leads nowhere.
    """
    leaf, *others = chain
    if leaf in anchors.certificates:
        return [leaf]
    authorities = [each for each in anchors.certificates if is_authority(each)]
    if not authorities:
        text = f"the certificate of {name_of(leaf)}: no authority was given with --key"
        raise RefusedError("certificate-untrusted", text)
    moment = _moment(chain, anchors)
    policy = ExtensionPolicy.permit_all()
    # signature-specification.md, "Root and Intermediate CA Certificates"; nothing else is asked of
    # an authority, since those of companies lack what the web's have.
    authority = policy.require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority
    ).require_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    try:
        found = (
            PolicyBuilder()
            .store(Store(authorities))
            .time(moment)
            .max_chain_depth(limits.CERTIFICATE_CHAIN)
            .extension_policies(ca_policy=authority, ee_policy=policy)
            .build_client_verifier()
            .verify(leaf, others)
        )
    except (VerificationError, ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType):
        text = f"the certificate of {name_of(leaf)} leads to none that is trusted"
        raise RefusedError("certificate-untrusted", text) from None
    for certificate in found.chain:
        if isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
            text = f"the certificate of {name_of(certificate)} is signed with SHA-1 or MD5"
            raise RefusedError("certificate-unfit", text)
    return list(found.chain)


def _moment(chain: Sequence[x509.Certificate], anchors: Anchors) -> datetime.datetime:
    """When a path is looked for: now, or when all that may be on it were valid together.

    Dates have a finding of their own (``check_dates``), and a level that only tells of them.
    """
    issuers = {each.issuer for each in chain}
    concerned = [*chain, *(each for each in anchors.certificates if each.subject in issuers)]
    start = max(each.not_valid_before_utc for each in concerned)
    end = min(each.not_valid_after_utc for each in concerned)
    if start > end:
        start, end = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    return min(max(anchors.now, start), end)


def _is_authority(policy: Policy, certificate: x509.Certificate, basic: object) -> None:
    del policy, certificate
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca:
        raise ValueError("no authority")


def _signs_certificates(policy: Policy, certificate: x509.Certificate, usage: object) -> None:
    del policy, certificate
    if not isinstance(usage, x509.KeyUsage) or not usage.key_cert_sign:
        raise ValueError("may not sign certificates")


def check_identity(leaf: x509.Certificate, identity: str) -> None:
    """Check whom a certificate names (trust-store-trust-policy.md, "Trusted Identities").

    Args:
        leaf: the certificate.
        identity: parts of its subject (``C=US, O=Example``), or one of its other names.

    Raises:
        RefusedError: it names another.
    """
    text = identity.removeprefix("x509.subject:").strip()
    try:
        named = {(each.oid, each.value) for each in leaf.subject}
        others = _extension(leaf.extensions, x509.SubjectAlternativeName)
        if "=" in text:
            parts = ",".join(part.strip() for part in text.split(","))
            wanted = {(each.oid, each.value) for each in x509.Name.from_rfc4514_string(parts)}
            fits = bool(wanted) and wanted <= named
        else:
            fits = others is not None and any(text == str(each.value) for each in others)
    except _UNREADABLE:
        fits = False
    if not fits:
        text = f"the certificate is of {name_of(leaf)}, and not of {identity[:200]}"
        raise RefusedError("certificate-untrusted", text)


def check_dates(chain: Sequence[x509.Certificate], now: datetime.datetime) -> None:
    """Check that certificates are valid at a time.

    Raises:
        RefusedError: one is not yet valid, or no more.
    """
    for certificate in chain:
        if now < certificate.not_valid_before_utc:
            when, text = certificate.not_valid_before_utc, "is not valid before"
        elif now > certificate.not_valid_after_utc:
            when, text = certificate.not_valid_after_utc, "has not been valid since"
        else:
            continue
        raise RefusedError(
            "certificate-expired",
            f"the certificate of {name_of(certificate)} {text} {when:%Y-%m-%d %H:%M} UTC",
        )


def check_purpose(leaf: x509.Certificate) -> None:
    """Check that a certificate may sign code (signature-specification.md, "Leaf Certificates").

    Raises:
        RefusedError: it may not.
    """
    try:
        extensions = leaf.extensions
        usage = _extension(extensions, x509.KeyUsage)
        purposes = _extension(extensions, x509.ExtendedKeyUsage)
        basic = _extension(extensions, x509.BasicConstraints)
    except _UNREADABLE as error:
        text = f"the certificate of {name_of(leaf)} cannot be read: {str(error)[:120]}"
        raise RefusedError("certificate-unfit", text) from error
    reason = ""
    if usage is None or not usage.digital_signature:
        reason = "may not be used for signatures (keyUsage)"
    elif usage.key_cert_sign or usage.crl_sign or (basic is not None and basic.ca):
        reason = "is one of an authority, and not of a signer"
    elif purposes is not None:
        others = [text for oid, text in _OTHER_PURPOSES.items() if oid in purposes]
        if others:
            reason = f"is for {others[0]}, and not for code (extendedKeyUsage)"
        elif ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
            reason = "is not for code (extendedKeyUsage)"
    if reason:
        raise RefusedError("certificate-unfit", f"the certificate of {name_of(leaf)} {reason}")


_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def _extension(extensions: x509.Extensions, kind: type[_Kind]) -> _Kind | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def check_revoked(chain: Sequence[x509.Certificate], anchors: Anchors) -> None:
    """Check that no list of revoked certificates has one of a chain (RFC 5280, 6.3).

    A list counts where the one that issued the certificate has signed it; its own date does not
    count, since one that is out of date revokes no less.

    Args:
        chain: certificates.
        anchors: with the lists, and whose keys may have signed them.

    Raises:
        RefusedError: one is revoked.
    """
    for certificate in chain:
        for listed in anchors.revoked:
            if listed.issuer != certificate.issuer:
                continue
            entry = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None and _is_issuers(listed, [*chain, *anchors.certificates]):
                raise RefusedError(
                    "certificate-revoked",
                    f"the certificate of {name_of(certificate)} was revoked "
                    f"{entry.revocation_date_utc:%Y-%m-%d}",
                )


def _is_issuers(listed: x509.CertificateRevocationList, known: Sequence[x509.Certificate]) -> bool:
    """Whether a list is by the one that it names; where nobody knows that one, it is believed."""
    issuers = [each for each in known if each.subject == listed.issuer]
    for each in issuers:
        try:
            if listed.is_signature_valid(key_of(each)):
                return True
        except (RefusedError, TypeError, ValueError, UnsupportedAlgorithm):
            continue
    return not issuers
