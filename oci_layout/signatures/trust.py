"""What is trusted: keys, certificates, lists of revoked ones. Imports ``cryptography``."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Mapping

import attrs
from cryptography import x509

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import UsageError
from oci_layout.signatures.certificates import Anchors, RefusedError, is_authority, key_of, load
from oci_layout.signatures.keys import Key, read_key
from oci_layout.signatures.pem import blocks
from oci_layout.signatures.policy import Level
from oci_layout.signatures.values import BadSignatureError
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False)
class Keyless:
    """Who may have signed with a certificate of a sigstore.

    Args:
        root: file of the trusted root.
        identity: that the certificate must name.
        issuer: that must have vouched for the identity.
    """

    root: str
    identity: str
    issuer: str


@attrs.frozen(kw_only=True, eq=False)
class Trust:
    """Everything that a signature is held against.

    Args:
        keys: that may have signed; those of certificates that were given, too.
        anchors: what certificates must lead to.
        keyless: of a sigstore; None where no trusted root was given.
        identity: that a certificate must name; empty for any.
        level: what of a certificate is enforced.
    """

    keys: tuple[Key, ...]
    anchors: Anchors
    keyless: Keyless | None = None
    identity: str = ""
    level: Level = Level.STRICT


class _Kind(enum.Enum):
    KEY = "PUBLIC KEY"
    PKCS1 = "RSA PUBLIC KEY"
    CERTIFICATE = "CERTIFICATE"
    REVOKED = "X509 CRL"


_KINDS = {kind.value: kind for kind in _Kind}


def trust_of(
    files: Mapping[str, bytes],
    revoked: Mapping[str, bytes],
    *,
    now: datetime.datetime,
    keyless: Keyless | None = None,
    identity: str = "",
    level: Level = Level.STRICT,
) -> Trust:
    """What some files make trusted.

    Args:
        files: of keys and certificates, by name.
        revoked: of lists of revoked certificates, by name.
        now: when certificates must be valid, UTC.
        keyless: of a sigstore.
        identity: that a certificate must name.
        level: what of a certificate is enforced.

    Raises:
        UsageError: a file has none, or too many.
    """
    keys: list[Key] = []
    certificates: list[x509.Certificate] = []
    for label, text in files.items():
        for kind, der in _blocks(label, text):
            try:
                if kind is _Kind.CERTIFICATE:
                    certificate = _certificate(der)
                    certificates.append(certificate)
                    if not is_authority(certificate):
                        public = key_of(certificate)
                        keys.append(Key(label=label, public=public, certificate=certificate))
                elif kind is not _Kind.REVOKED:
                    public = read_key(der, pkcs1=kind is _Kind.PKCS1)
                    keys.append(Key(label=label, public=public))
            except (ValueError, RefusedError, x509.InvalidVersion) as error:
                raise UsageError(what=f"--key: {error}", where=Where(file=label)) from error
    _bounded(keys, limits.TRUSTED_KEYS, "keys")
    _bounded(certificates, limits.TRUSTED_CERTIFICATES, "certificates")
    lists = tuple(_lists(revoked))
    anchors = Anchors(certificates=tuple(certificates), revoked=lists, now=now)
    return Trust(keys=tuple(keys), anchors=anchors, keyless=keyless, identity=identity, level=level)


def _bounded(found: list[Key] | list[x509.Certificate], most: int, what: str) -> None:
    if len(found) > most:
        raise UsageError(what=f"--key: {len(found)} {what}, and {most} are the most")


def _blocks(label: str, text: bytes) -> list[tuple[_Kind, bytes]]:
    try:
        found = blocks(text)
    except BadSignatureError as error:
        raise UsageError(what=f"--key: {error}", where=Where(file=label)) from error
    known = [(_KINDS[name], der) for name, der in found if name in _KINDS]
    if known:
        return known
    private = any("PRIVATE KEY" in name for name, _ in found)
    hint = "a public key: PEM of a key or a certificate"
    if private:
        raise UsageError(what="--key: a private key", where=Where(file=label), hint=f"give {hint}")
    if text.startswith(b"untrusted comment:"):
        raise UsageError(
            what="--key: a key of minisign, which signs no images", hint=f"give {hint}"
        )
    raise UsageError(what="--key: no key is in there", where=Where(file=label), hint=f"give {hint}")


def _certificate(der: bytes) -> x509.Certificate:
    if len(der) > limits.CERTIFICATE_BYTES:
        raise ValueError(f"a certificate of {plural(len(der), 'byte')}")
    return load(der)


def _lists(files: Mapping[str, bytes]) -> Iterable[x509.CertificateRevocationList]:
    for label, text in files.items():
        try:
            found = [der for name, der in blocks(text) if name == _Kind.REVOKED.value]
            yield from map(x509.load_der_x509_crl, found or [text])
        except ValueError as error:
            raise UsageError(
                what="--crl: is no list of revoked certificates", where=Where(file=label)
            ) from error
