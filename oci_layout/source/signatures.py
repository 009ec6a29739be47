"""What is said of the signatures of a schema 1 manifest."""

from __future__ import annotations

from collections.abc import Sequence

from oci_layout.counting import plural
from oci_layout.extras import how_to_install
from oci_layout.finding import Findings
from oci_layout.model import jws
from oci_layout.model.schema1 import Schema1
from oci_layout.where import Where


def report_signatures(
    manifest: Schema1, where: Where, findings: Findings, trusted: Sequence[jws.PublicKey]
) -> None:
    """Check a manifest's signatures and tell what came of it.

    Args:
        manifest: as read.
        where: its place.
        findings: told of each signature.
        trusted: keys that prove identity; when there are any, one of them must have signed.
    """
    if not manifest.signatures:
        if trusted:
            findings.error("signature-untrusted", "is not signed at all", where)
        else:
            findings.note("unsigned", "a schema 1 manifest without signature", where)
        return
    if not jws.available():
        findings.warning(
            "signature-unchecked",
            f"not checked: {plural(len(manifest.signatures), 'signature')}",
            where,
            how_to_install("schema1"),
        )
        return
    results = jws.check(manifest, trusted)
    for result in results:
        made = f", made {result.time}" if result.time else ""
        if not result.valid:
            key = f" of key {result.key_id}" if result.key_id else ""
            findings.error("signature-invalid", f"a signature{key}{made}: {result.reason}", where)
        elif result.trusted:
            findings.note(
                "signature-valid", f"signed by the trusted key {result.key_id}{made}", where
            )
        else:
            findings.note(
                "signature-valid",
                f"signed by key {result.key_id}{made}; the key is in the document itself, so this "
                "proves that nothing was changed, not who signed",
                where,
                "--trusted-key proves who",
            )
    if trusted and not any(result.valid and result.trusted for result in results):
        findings.error("signature-untrusted", "is signed by none of the trusted keys", where)
