"""How Sphinx makes the site of the pages. scripts/site stages them, with the README as home."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

from oci_layout.cli.verbs import VERBS

HERE = Path(__file__).resolve().parent
PYPROJECT = (HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
HOME = "index"
# The navigation: each page stands in it once, or the build fails.
GROUPS = {
    "Start": ["quick-start", "install", "air-gap", "rescue"],
    "Verbs": [*VERBS],
    "Reference": [
        "formats",
        "findings",
        "statuses",
        "limits",
        "names",
        "registry",
        "stores",
        "signatures",
        "volumes",
        "delta",
        "python",
        "api",
        "inspect-json",
        "screens",
        "terms",
    ],
    "Background": [
        "why-digests-differ",
        "tar-reading",
        "comparison",
        "performance",
        "scale",
        "design",
        "testing",
    ],
}
OTHERS = ["SECURITY", "CONTRIBUTING", "CHANGELOG"]  # at the top of the checkout, if there

project, version = re.findall(r'^(?:name|version) = "(.+)"$', PYPROJECT, re.MULTILINE)[:2]
release = version
html_title = f"{project} {version}"
root_doc = HOME
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/*.md", "testdata/README.md"]
myst_heading_anchors = 4  # as deep as a page links to
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": False}
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # it would be fetched, which no browser does from a file


def _navigation(srcdir: Path) -> str:
    """The tree of pages, as directives at the end of the home page, where they do not show."""
    there = [each for each in OTHERS if (srcdir / f"{each}.md").exists()]
    groups = {group: [f"docs/{page}" for page in pages] for group, pages in GROUPS.items()}
    groups["Background"] += [*there, "testdata/README"]
    return "".join(
        "\n".join(["\n```{toctree}", ":hidden:", f":caption: {group}", "", *pages, "```\n"])
        for group, pages in groups.items()
    )


def _append_navigation(app: Sphinx, docname: str, content: list[str]) -> None:
    if docname == HOME:
        content[0] += _navigation(Path(app.srcdir))


def setup(app: Sphinx) -> None:
    """Take part in the reading of pages."""
    app.connect("source-read", _append_navigation)
