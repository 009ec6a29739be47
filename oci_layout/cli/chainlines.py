"""The chain from a key to the bytes of an image, for people."""

from __future__ import annotations

from oci_layout.cli.cells import wrapped
from oci_layout.cli.text import abridged, shown
from oci_layout.verification.chains import SAME_IMAGE_ID, Chain, Link


def chain_lines(chain: Chain, width: int) -> list[str]:
    """A chain, one step after the other on as many lines as it takes.

    Args:
        chain: of one image.
        width: columns of the terminal.
    """
    platform = f"  {chain.platform}" if chain.platform is not None else ""
    text = f"{_WORDS[chain.verdict]}  {abridged(chain.image)}{shown(platform)}"
    if chain.links:
        text += f"  {' -> '.join(map(_link, chain.links))}"
    lines = wrapped(text, width, "  ", "      ")
    claims = ", ".join(f"{key}={value}" for key, value in chain.claims)
    return lines + (
        wrapped(f"claims {shown(claims)}", width, "      ", "        ") if claims else []
    )


_WORDS = {
    "signed": "signed",
    SAME_IMAGE_ID: SAME_IMAGE_ID,
    "not signed": "NOT SIGNED",
    "damaged": "SIGNED, AND DAMAGED",
}
_GOOD = ("trusted", "holds")


def _link(link: Link) -> str:
    what = f" {abridged(link.what)}" if link.what else ""
    verdict = "" if link.verdict in _GOOD else f" {link.verdict.upper()}"
    return f"{link.step}{what}{verdict}"
