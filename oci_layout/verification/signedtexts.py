"""What a signature proves, and what to do about one that does not count, for people."""

from __future__ import annotations

PROVES = {
    "key": "it proves that the holder of that key signed this; not when, and not who that is",
    "certificate": "it proves that the owner of that certificate signed this; not when",
    "identity": "it proves that this identity signed this while its certificate was valid",
}
HINTS = {
    "signature-stale": "if the image was converted, its manifest has a new digest: keep the old "
    "one (--preserve-digests), or carry it along (--keep-original), or sign again",
    "signature-moved": "do not use the image as one that was signed",
    "signature-untrusted": "give the key that signed it, or do not use the image",
    "signature-invalid": "do not use the image",
}
