"""Every code comes about, and `docs/findings.md` says what is true of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits
from oci_layout.cli.text import shown
from oci_layout.codes import CODES
from oci_layout.finding import Finding
from oci_layout.model import jws
from tests.shared import ROOT
from tests.verification import (
    situations_agreement,
    situations_archive,
    situations_bytes,
    situations_documents,
    situations_legacy,
    situations_originals,
    situations_registry,
    situations_signatures,
    situations_stores,
)
from tests.verification.situation import Situation, by_code

ALL = by_code(
    situations_archive.SITUATIONS,
    situations_documents.SITUATIONS,
    situations_legacy.SITUATIONS,
    situations_registry.SITUATIONS,
    situations_stores.SITUATIONS,
    situations_signatures.SITUATIONS,
    situations_originals.SITUATIONS,
    situations_bytes.SITUATIONS,
    situations_agreement.AGREEMENT,
    situations_agreement.ASKED,
    situations_agreement.CONVERSION,
)
EACH = [
    pytest.param(situation, id=f"{code}-{situation.severity}-{number}")
    for code, some in ALL.items()
    for number, situation in enumerate(some)
]
DOCS = ROOT / "docs/findings.md"
_GROUP = re.compile(r"^    # (.+)$", re.MULTILINE)
_ENTRY = re.compile(
    r"^### `(?P<code>[a-z0-9-]+)`\n\n"
    r"(?P<meaning>(?:.+\n)+)\n"
    r"\*(?P<severities>[a-z, ]+)\*\. (?P<repair>(?:.+\n)+)\n"
    r"(?P<example>(?:    .+\n)+)",
    re.MULTILINE,
)


def line(finding: Finding) -> str:
    """The finding on one line, as the report shows it before it is wrapped."""
    where = str(finding.where)
    text = f"{finding.severity} {finding.code}: {where + ': ' if where else ''}{finding.message}"
    return shown(text)


def skeleton(text: str) -> str:
    """A text without what depends on the image: digests, numbers, where the file lies."""
    text = re.sub(r"(\S*/)?(image\.tar|layout\b|key0\.pem)", "PATH", text)
    text = re.sub(r"\S*/(?=\w+\.vol)", "", text)
    text = re.sub(r"[A-Z2-7]{4}(:[A-Z2-7]{4}){11}", "KEY", text)
    text = re.sub(r"[0-9a-f]{12,}(\.\.\.)?", "HEX", text)
    return re.sub(r"\d+", "N", text)


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Situation], None]:
    """Lower the bounds that would take gigabytes to reach."""

    def lower(situation: Situation) -> None:
        for name, value in situation.limits.items():
            monkeypatch.setattr(limits, name, value)
        monkeypatch.setattr(jws, "available", lambda: not situation.unsigned)

    return lower


def test_the_table_covers_the_codes_exactly() -> None:
    assert set(ALL) == set(CODES)


@pytest.mark.parametrize("situation", EACH)
def test_every_code_comes_about(
    situation: Situation, lowered: Callable[[Situation], None], tmp_path: Path
) -> None:
    lowered(situation)
    finding = situation.hit(tmp_path)
    assert finding.message
    assert "\n" not in finding.message


def entries() -> list[dict[str, Any]]:
    return [match.groupdict() for match in _ENTRY.finditer(DOCS.read_text())]


def test_the_docs_list_every_code_in_the_order_of_the_table() -> None:
    assert [each["code"] for each in entries()] == list(CODES)
    assert len(re.findall("^### ", DOCS.read_text(), re.MULTILINE)) == len(CODES)


def test_the_docs_have_the_groups_of_the_table() -> None:
    source = (ROOT / "oci_layout/codes.py").read_text()
    titles = re.findall(r"^## (.+)$", DOCS.read_text(), re.MULTILINE)
    assert [title.lower() for title in titles] == [
        group.lower() for group in _GROUP.findall(source)
    ]
    for title, group in zip(titles, _GROUP.findall(source), strict=True):
        in_source = re.findall(
            r'^    "([a-z0-9-]+)":', source.split(f"# {group}\n")[1], re.MULTILINE
        )
        in_docs = re.findall(
            r"^### `(.+)`", DOCS.read_text().split(f"## {title}\n")[1], re.MULTILINE
        )
        assert in_source == in_docs


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry["code"])
def test_the_docs_say_what_is_true(
    entry: dict[str, Any], lowered: Callable[[Situation], None], tmp_path: Path
) -> None:
    code = entry["code"]
    meaning = " ".join(entry["meaning"].replace("`", "").split())
    assert meaning.lower().startswith(CODES[code].lower() + ". ")
    assert entry["severities"] == ", ".join(
        dict.fromkeys(situation.severity for situation in ALL[code])
    )
    example = " ".join(part.strip() for part in entry["example"].splitlines())
    real = []
    for number, situation in enumerate(ALL[code]):
        lowered(situation)
        folder = tmp_path / str(number)
        folder.mkdir()
        real.append(skeleton(line(situation.hit(folder))))
    assert skeleton(example) in real
