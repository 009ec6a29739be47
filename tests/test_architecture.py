"""The shape of the package, read from its imports: down only, and one place that prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "oci_layout"
FILES = sorted(PACKAGE.rglob("*.py"))
WORDS = {
    "option",
    "temporary",
    "closing",
    "counting",
    "extras",
    "errors",
    "finding",
    "where",
    "digest",
    "mediatype",
    "platform",
    "reference",
    "limits",
    "pythons",
    "codes",
    "plain",
    "wording",
}
BELOW_PLAN = {
    "words",
    "disk",
    "model",
    "streams",
    "delta",
    "graph",
    "source",
    "filediff",
    "havelist",
    "blobs",
    "signatures",
    "plan",
}
# None imports another.
SIBLINGS = {"sink", "verification", "inspection", "comparison", "rootfs", "targets"}
MAY_IMPORT: dict[str, set[str]] = {
    "words": {"words"},
    "batchlines": {"words", "batchlines"},
    "disk": {"words", "model", "disk"},
    "model": {"words", "model"},
    "streams": {"words", "streams"},
    "delta": {"words", "streams", "delta"},
    "graph": {"words", "model", "streams", "graph"},
    "source": {"words", "disk", "model", "streams", "delta", "graph", "source"},
    "filediff": {"words", "streams", "source", "filediff"},
    "havelist": {"words", "model", "streams", "graph", "source", "havelist"},
    "blobs": {"words", "model", "streams", "graph", "blobs"},
    "signatures": {"words", "model", "streams", "graph", "signatures"},
    "plan": BELOW_PLAN,
    **{each: BELOW_PLAN | {each} for each in SIBLINGS},
    "page": BELOW_PLAN | {*SIBLINGS, "batchlines", "page"},
    "api": BELOW_PLAN | {*SIBLINGS, "batchlines", "page", "api"},
    "shelf": BELOW_PLAN | {*SIBLINGS, "batchlines", "page", "api", "shelf", "package"},
    "cli": BELOW_PLAN | {*SIBLINGS, "batchlines", "page", "api", "shelf", "cli", "package"},
}
# The package itself names all it offers; the module of -m starts the command.
ABOVE_ALL = {"__init__.py", "__main__.py"}


def room(module: str) -> str:
    """The room that a module of the package is in."""
    parts = module.split(".")
    if len(parts) == 1:
        return "package"
    return "words" if parts[1] in WORDS else parts[1]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = node.module or ""
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*base.split("."), alias.name)
                is_module = inner.with_suffix(".py").is_file() or inner.is_dir()
                yield f"{base}.{alias.name}" if is_module else base


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


EACH = pytest.mark.parametrize("path", FILES, ids=module_of)


def test_there_is_something_to_read() -> None:
    assert len(FILES) > 30
    rooms = {room(module_of(path)) for path in FILES if path.name not in ABOVE_ALL}
    assert rooms <= MAY_IMPORT.keys()


@EACH
def test_imports_go_down_only(path: Path) -> None:
    if path.parent == PACKAGE and path.name in ABOVE_ALL:
        return
    allowed = MAY_IMPORT[room(module_of(path))]
    for name in imports(parsed(path)):
        if name.split(".")[0] == "oci_layout":
            assert room(name) in allowed, f"{module_of(path)} imports {name}"


@EACH
def test_no_other_program_is_called(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(parsed(path))}
    foreign = {"subprocess", "multiprocessing", "socket", "urllib", "http", "requests"}
    if module_of(path) == "oci_layout.shelf.processes":  # workers that are Python's own
        foreign.remove("multiprocessing")
    assert not roots & foreign
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = f"{node.value.id}.{node.attr}"
            assert called not in {"os.system", "os.popen", "os.execv", "os.fork", "os.posix_spawn"}


@EACH
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if room(module_of(path)) == "cli":
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Name):
            assert node.id not in {"print", "input", "exit", "quit", "SystemExit"}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called = f"{node.value.id}.{node.attr}"
            assert called not in {"sys.exit", "sys.stdout", "sys.stderr", "os._exit"}


@EACH
def test_only_the_screen_writes_what_is_shown(path: Path) -> None:
    if module_of(path) == "oci_layout.cli.screen":
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Name):
            assert node.id != "print"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert not called.startswith("traceback.print")
            stream, _, what = called.rpartition(".")
            assert not (stream.startswith(("sys.stdout", "sys.stderr")) and what == "write")


@EACH
def test_nothing_is_extracted(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(parsed(path))}
    assert not roots & {"tarfile", "zipfile", "pickle"}


@EACH
def test_files_stay_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
