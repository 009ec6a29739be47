"""The page of limits says every bound, and what it is."""

from __future__ import annotations

import re

import pytest

from oci_layout import limits
from oci_layout.codes import CODES
from tests.pages import read

_SIZES = {1 << 30: " GiB", 1 << 20: " MiB", 1 << 10: " KiB"}
# What is no bound of a source: how much is read or held at a time, and what need not be reported.
_INNER = {"CHUNK", "WORK_BYTES", "ZSTD_WINDOW", "MANIFEST_BYTES"}
_ROWS = {
    "DOCUMENT_BYTES": "one JSON document",
    "DOCUMENTS_BYTES": "manifests, indexes and configs",
    "DOCUMENT_DEPTH": "arrays and objects",
    "DOCUMENT_TOKENS": "values in one document",
    "NUMBER_DIGITS": "digits of a whole number",
    "NODES": "manifests and layers",
    "SHOWN_BYTES": "documents in one report",
    "SHOWN_BLOBS": "layers and blobs in one report",
    "FINDINGS": "findings of one code",
    "INDEX_DEPTH": "indexes in indexes",
    "SIGNATURES": "signatures of a schema 1",
    "ATTACHED_SIGNATURES": "signatures of a source",
    "SIGNATURES_BYTES": "signatures and attestations",
    "STATEMENT_SUBJECTS": "digests that one statement",
    "CERTIFICATE_BYTES": "one certificate",
    "CERTIFICATE_CHAIN": "certificates of one signature",
    "TRUSTED_CERTIFICATES": "certificates that are trusted",
    "TRUSTED_KEYS": "keys that are trusted",
    "TRUST_FILE_BYTES": "a file of keys",
    "RSA_BITS": "bits of an RSA key",
    "ORIGINALS": "original manifests of one image",
    "ORIGINAL_INDEXES": "indexes kept with an original manifest",
    "ORIGINALS_BYTES": "original manifests and indexes",
    "V1_DEPTH": "parents of a V1 image",
    "MADE_BYTES": "configs that are made",
    "MARKED_FILES": "files of a folder on a shelf",
    "LISTED_BYTES": "a list of paths",
    "REPORTED_BYTES": "the report of one source",
    "REPORT_LINE_BYTES": "a line of the report of `batch`",
    "REPORT_ROWS": "such lines that `report` lists",
    "REPORT_ROWS_BYTES": "bytes of the page that they take",
    "MEMBERS": "members of an archive",
    "ROOTED_FILES": "files and folders of a registry",
    "REGISTRY_ENTRIES": "folders in which a registry, or layouts",
    "MEMBER_NAME_BYTES": "a long name",
    "NAME_BYTES": "a name of a member",
    "NAMES_BYTES": "names of an archive",
    "VOLUMES": "volumes of a list",
    "DATABASE_BYTES": "the database of a containerd",
    "DATABASE_ENTRIES": "what such a database says",
    "TAR_SPLIT_LINE_BYTES": "a line of what an engine wrote down",
    "TAR_SPLIT_LINES": "lines of what an engine wrote down",
    "TAR_SPLIT_PIECES": "such lines of all layers",
    "TAR_SPLIT_GROWN_BYTES": "what they grow to",
    "TAR_SPLIT_TAR_BYTES": "the tar that they tell of",
    "SPECIAL_MEMBERS": "devices and FIFOs",
    "PAX_BYTES": "a PAX header",
    "LINK_HOPS": "links that are followed",
    "JUDGED_FILES": "files of a layer",
    "LOST_LINKS": "hard links to nothing",
    "USAGE_PATHS": "files of one image that `report` lists",
    "DIFFED_LAYERS": "layers that `diff` reads",
    "DIFFERENCES": "files of two layers",
    "DIFFERENCES_BYTES": "memory of all of them",
    "TEXT_BYTES": "a text file of which",
    "TEXT_FILES": "text files of two layers",
    "TEXT_LINES": "lines of one that",
    "TEXTS_LINES": "lines of all of them",
    "TEXT_LINE_LETTERS": "letters of one line",
    "MERGED_LAYERS": "layers of an image",
    "MERGED_PATHS": "paths of an image",
    "IMPLIED_FOLDERS": "folders with files in them",
    "WAITING_LINKS": "links to files of another layer",
    "BOMB_RATIO": "what layers grow to",
    "BOMB_BYTES": "holes of sparse members",
    "UNPACK_MEMORY": "memory to unpack",
    "MIXTURES": "mixtures of media types",
}


def test_every_bound_has_a_row() -> None:
    assert {name for name in vars(limits) if name.isupper()} == _ROWS.keys() | _INNER


@pytest.mark.parametrize("name", _ROWS)
def test_the_page_says_the_bound(name: str) -> None:
    (line,) = [each for each in read("docs/limits.md").splitlines() if f"| {_ROWS[name]}" in each]
    bound = getattr(limits, name)
    sized = name.endswith(("_BYTES", "_MEMORY")) and bound > limits.NAME_BYTES
    unit = next(unit for unit in (*_SIZES, 1) if bound % unit == 0) if sized else 1
    assert f"| {bound // unit:,}{_SIZES.get(unit, '')} " in line or f"{bound:,} times" in line


def test_the_page_names_findings_that_there_are() -> None:
    assert set(re.findall(r"\| `([a-z0-9-]+)` \|", read("docs/limits.md"))) <= CODES.keys()
