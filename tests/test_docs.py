"""What the pages show is what the command prints: every command of every page is run."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oci_layout.cli import verbs
from oci_layout.cli.asked import HELP, Group
from tests.interop.shown import HERE
from tests.pages import (
    LANGUAGES,
    PAGES,
    README,
    ROOT,
    RUN,
    Block,
    bash,
    blocks,
    matches,
    prose,
    read,
    section,
    shown,
    spans,
)
from tests.standins import sandbox
from tests.test_architecture import BELOW_PLAN, MAY_IMPORT, SIBLINGS

COLUMNS = {"docs/screens.md": "120"}  # of the terminal; 80 elsewhere
INSTALL = ("README.md", "## Install"), ("docs/install.md", "")  # run by tests/test_install.py
VERBS = (
    "repack",
    "verify",
    "inspect",
    "diff",
    "check",
    "report",
    "files",
    "cat",
    "export",
    "merge",
    "edit",
    "have",
    "list",
    "tag",
    "rm",
    "gc",
    "batch",
    "completion",
)
NO_SOURCE = ("completion",)  # verbs that read none
PARTS = ["Examples", "Options", "Exit statuses", "What it does not do"]
PROGRAM = re.compile(
    r"\s*(sudo )?(layout|docker|ctr|nerdctl|podman|skopeo|crane|umoci|k3s|kind|pip|pipx|python3?|"
    r"jq|sha256sum|scripts/\S+|\S+/bin/\S+)\s+\S"
)
BANNED = re.compile(
    r"\b(houses?|rooms?|wings?|mend(s|ed|ing)?|foretell(s|ing)?|foretold|crews?)\b", re.IGNORECASE
)
EACH = pytest.mark.parametrize("page", PAGES)


def to_run(page: str) -> list[Block]:
    """The blocks of a page that are run here."""
    text = read(page)
    for name, heading in INSTALL:
        if name == page:
            text = text.replace(section(text, heading[3:]), "") if heading else ""
    return [block for block in blocks(text, page) if block.language in RUN]


WITH_COMMANDS = [page for page in PAGES if to_run(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_a_page_shows_what_is_printed(page: str, tmp_path: Path) -> None:
    """In order and in one folder: a command may use what one before it wrote."""
    run = to_run(page)
    text = "".join(block.text for block in run)
    if HERE != "amd64" and "for a host of linux/amd64" in text:
        pytest.skip("the page shows what is printed on amd64")
    if re.search(r"\bjq\b", text) and shutil.which("jq") is None:
        pytest.skip("the page's commands need jq")
    environment = sandbox(tmp_path, COLUMNS.get(page, "80"))
    session = ""
    for block in run:
        where = f"{page}:{block.line}"
        if block.language == "sh":
            status, printed = bash(block.text, tmp_path, environment, "-eu")
            assert status == 0, f"{where} exits {status}:\n{printed}"
        elif block.language == "console":
            for each in shown(block):
                _, printed = bash(each.command, tmp_path, environment)
                actual = tuple(printed.rstrip().splitlines())
                assert matches(each.output, actual), f"{where}: {each.command} prints:\n{printed}"
        else:
            session += f"{block.text}\n"
    if session:
        (tmp_path / "session.txt").write_text(session, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "doctest", "-o", "ELLIPSIS", "session.txt"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "docker load -i testdata/podman-oci-archive.tar",
        "docker load < testdata/podman-oci-archive.tar",
        "docker pull app:1.2",
        "ctr images import absent.tar",
        "ctr images export out.tar",
        "scripts/bench --absent",
        "scripts/absent",
        "layout verify absent.tar",
    ],
)
def test_what_must_not_work_does_not(command: str, tmp_path: Path) -> None:
    """The stand-ins refuse what engines refuse, or every page would pass."""
    status, printed = bash(command, tmp_path, sandbox(tmp_path), "-eu")
    assert status != 0, printed


def test_there_is_something_to_run() -> None:
    assert {README, "docs/python.md", *(f"docs/{verb}.md" for verb in VERBS)} <= set(WITH_COMMANDS)
    assert sum(len(to_run(page)) for page in PAGES) > 40
    python = "".join(block.text for block in to_run("docs/python.md"))
    assert len(doctest.DocTestParser().get_examples(python)) > 10


@EACH
def test_no_command_hides_where_none_is_run(page: str) -> None:
    """In a block of text, in a block by indentation, or in a language that nobody runs."""
    text = read(page)
    for block in blocks(text, page):
        assert block.language in LANGUAGES, f"{page}:{block.line}"
        if block.language not in RUN:
            assert not any(map(PROGRAM.match, block.lines)), f"{page}:{block.line}"
    before = ""
    for line in prose(text):
        if line.startswith("    ") and not before:
            assert not PROGRAM.match(line), f"{page}: {line}"
        assert "```" not in line, f"{page}: {line}"
        before = line


@EACH
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", "\n".join(prose(read(page)))):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in titles]
            assert anchor in anchors, f"{page}: {target}"


@EACH
def test_one_word_for_one_thing(page: str) -> None:
    found = [line for line in read(page).splitlines() if BANNED.search(line)]
    assert not found, page


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    text = read(README)
    assert len(text.splitlines()) <= 150
    linked = set(re.findall(r"\]\(((?:docs/[a-z0-9-]+|[A-Z]+)\.md)\)", text))
    assert linked == {*PAGES, "CHANGELOG.md"} - {README}


COMMANDS = {verb: verbs.command_of(verb) for verb in verbs.VERBS}


def options(verb: str) -> dict[str, set[str]]:
    """The options of a verb, all spellings of each, and the words each takes."""
    return {
        spelling: set(option.words)
        for each in verbs.commands_of(verb)
        for option in each.options
        if option is not HELP
        for spelling in option.flags
    }


# What means something else of many sources than of one, so that the page of batch says it, too.
OF_MANY = {"--output", "-o", "--report", "--jobs", "--force", "--quiet", "-q", "--debug"}


def listed_options(verb: str) -> dict[str, set[str]]:
    """The options that a verb's page lists: not those of the verbs that it stands on."""
    command = COMMANDS[verb]
    inner = command.commands if isinstance(command, Group) else ()
    known = {spelling for each in inner for spelling in options(each)} - OF_MANY
    return {each: words for each, words in options(verb).items() if each not in known}


def test_the_verbs_are_all_verbs() -> None:
    assert tuple(COMMANDS) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_page_lists_its_options(verb: str) -> None:
    """All of them, no other, and each with the words that it takes."""
    rows = re.findall(r"^\| (`-.+?) \| (.+) \|$", section(read(f"docs/{verb}.md"), "Options"), re.M)
    listed = {}
    for first, meaning in rows:
        for spelling in set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", first)):
            assert spelling not in listed, spelling
            listed[spelling] = first + meaning
    expected = listed_options(verb)
    assert listed.keys() == expected.keys()
    for spelling, words in expected.items():
        for word in words:
            assert f"`{word}`" in listed[spelling], f"{verb} {spelling} takes {word}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_page_has_its_parts_in_order(verb: str) -> None:
    text = read(f"docs/{verb}.md")
    assert text.startswith(f"# layout {verb}\n\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [each for each in headings if each in PARTS] == PARTS
    assert headings[0] == "Examples"
    assert 2 <= sum(block.language in RUN for block in blocks(section(text, "Examples"))) <= 4
    known = re.findall(r"^\| (\d+) \|", read("docs/statuses.md"), re.MULTILINE)
    stated = re.findall(r"^\| (\d+) \|", section(text, "Exit statuses"), re.MULTILINE)
    read_one = {"3"} if verb not in NO_SOURCE else set()
    assert {"0", "2", *read_one} <= set(stated) <= set(known)
    assert f"`layout {verb}`" in read(README)


@EACH
def test_command_lines_in_the_text_have_options_that_exist(page: str) -> None:
    for span in spans(read(page)):
        for verb in re.findall(r"^layout ([a-z]+)", span):
            assert verb in VERBS, f"{page}: {span}"
            named = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", span.split("|")[0])
            assert set(named) <= options(verb).keys(), f"{page}: {span}"
        for name in re.findall(r"^scripts/([\w-]+)", span):
            assert (ROOT / "scripts" / name).is_file(), f"{page}: {span}"


@EACH
def test_files_of_the_package_that_a_page_names_exist(page: str) -> None:
    package = ROOT / "oci_layout"
    folders = {path.name for path in package.iterdir() if path.is_dir()}
    for span in spans(read(page)):
        path = span.removeprefix("oci_layout/")
        if re.fullmatch(r"[\w/]+\.py|[\w/]+/", path) and path.split("/")[0] in folders:
            assert (package / path).exists(), f"{page}: {span}"


@EACH
def test_tests_and_scripts_that_a_page_names_exist(page: str) -> None:
    for span in spans(read(page)):
        found = re.match(r"(?:tests|scripts|testdata)/[\w/.*-]+", span)
        if found is not None:
            assert list(ROOT.glob(found[0].rstrip("/"))), f"{page}: {span}"


def test_the_design_lists_what_may_import_what() -> None:
    table = section(read("docs/design.md"), "Packages")
    rows = re.findall(r"^\| (?:`(?=\w+/))?(\w+)(?:/`)? \|.*\| ([^|]+) \|$", table, re.MULTILINE)
    assert rows.pop(0) == ("package", "may import")
    listed = {name: set(re.findall(r"\w+", imports)) for name, imports in rows}
    expected = {name: may - {name, "package"} for name, may in MAY_IMPORT.items()}
    assert {name: _spelled(words) for name, words in listed.items()} == expected


def _spelled(words: set[str]) -> set[str]:
    """``plan and below`` and ``all siblings`` of the table as the packages they stand for."""
    found = words - {"and", "below", "all", "siblings", "nothing"}
    if "siblings" in words:
        found |= SIBLINGS
    if "below" in words:
        found |= BELOW_PLAN
    return found


def test_what_matches() -> None:
    assert matches(("a", "...", "c"), ("a", "b", "b", "c"))
    assert matches(("a", "..."), ("a",))
    assert not matches(("a", "...", "c"), ("a", "b"))
    assert not matches(("a",), ("a", "b"))
    assert matches(("3 B in 0.0 s",), ("3 B in 1.4 s",))
    assert not matches(("3 B in 0.0 s",), ("4 B in 0.0 s",))


def test_what_hides() -> None:
    for line in ("layout verify x", "  docker load -i x", "scripts/bench -n 5", "a/bin/pip x"):
        assert PROGRAM.match(line), line
    for line in ("the layout verifies", "error truncated: x", "layout", "docker@20.10  no"):
        assert not PROGRAM.match(line), line
