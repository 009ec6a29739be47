"""The page itself: its head, what it allows, its style and script, and what is on it."""

from __future__ import annotations

import base64
import hashlib
import pkgutil
from collections.abc import Iterable, Iterator

from oci_layout.page.markup import Markup, tag


def _asset(name: str) -> str:
    return (pkgutil.get_data(__package__, name) or b"").decode()


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def whole(title: str, *inside: Markup) -> str:
    """A page that fetches nothing and runs no script but its own.

    Args:
        title: of it.
        inside: all that is on it.
    """
    return "".join(pieces(title, inside))


def pieces(title: str, inside: Iterable[Markup]) -> Iterator[str]:
    """The same page piece by piece, of what need not be in memory at once.

    Args:
        title: of it.
        inside: all that is on it, in order.
    """
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_hash(style)}'; "
        f"script-src 'sha256-{_hash(script)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        Markup(f"<style>{style}</style>"),
    )
    yield f'<!doctype html>\n<html lang="en">{head}<body>'
    yield from inside
    yield f"<script>{script}</script></body></html>\n"
