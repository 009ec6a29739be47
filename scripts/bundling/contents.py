"""What is put into the one file: compiled modules, shared objects, data, licences; one zip archive.

Run by the Python that goes into the file, since that one has to read what is compiled here:

    python contents.py ARCHIVE STDLIB LICENCES MACHINE FOLDER...

The archive is appended to the file that is there. The same input gives the same bytes, wherever
it lies. FOLDERs are as on sys.path; what the packages of WHOLE import comes from them and STDLIB.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from modulefinder import ModuleFinder

# Everything of these; of the rest what they import.
WHOLE = ("oci_layout", "attr", "attrs", "cryptography", "isal", "zstandard", "encodings")
START = "layout_bundle"
# Absent on purpose: other systems, extras that are left out, second backends, what nobody reaches.
ABSENT = (
    *("_ssl", "asyncio", "cffi", "curses", "dask", "distributed", "doctest", "encodings.mbcs"),
    *("encodings.oem", "http", "pdb", "pycparser", "pydoc", "readline", "sigstore", "ssl", "test"),
    *("tkinter", "unittest", "winreg", "zstandard._cffi", "zstandard.backend_cffi"),
    *("zstandard.backend_rust", "cryptography.__main__", "isal.__main__"),
)
STUB = "from layout_bundle import load\nload(__spec__)\n"
_SHARED = re.compile(r"[^.]+\.(cpython-\d+(?=-)|abi3)(?:-\w+-linux-gnu)?\.so")
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell
_SEGMENT = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr


def modules(folders: list[str]) -> dict[str, str]:
    """The source files of all modules that are needed, by name."""
    finder = ModuleFinder(path=folders, excludes=list(ABSENT))
    finder.import_hook(START)
    for package in WHOLE:
        for name in sorted(_modules_of(package, folders)):
            if name not in ABSENT:
                finder.import_hook(name)
    return {
        name: os.path.abspath(module.__file__)
        for name, module in finder.modules.items()
        if module.__file__ and module.__file__.endswith(".py")
    }


def _modules_of(package: str, folders: list[str]) -> Iterator[str]:
    for _, inside in files(package, folders):
        if inside.endswith(".py"):
            yield inside[:-3].replace(os.sep, ".").removesuffix(".__init__")


def files(package: str, folders: list[str]) -> Iterator[tuple[str, str]]:
    """All files of a package: the folder of the path, and the name inside of it."""
    for root in folders:
        for folder, below, names in os.walk(os.path.join(root, package)):
            below.sort()
            for name in sorted(names):
                yield root, os.path.relpath(os.path.join(folder, name), root)


def shared_objects(folders: list[str]) -> Iterator[tuple[str, str, str]]:
    """Extension modules: the name, for which Python, the file."""
    for root in folders:
        singles = [(root, name) for name in sorted(os.listdir(root))]
        for _, inside in [*singles, *(pair for each in WHOLE for pair in files(each, [root]))]:
            named = _SHARED.fullmatch(inside)
            name = inside.partition(".")[0].replace(os.sep, ".")
            if named and name not in ABSENT:
                yield name, named[1], os.path.join(root, inside)


def loadable(content: bytes) -> bytes:
    """A shared object without what the dynamic linker does not read: symbols, texts for debuggers.

    These stand behind the last segment that is mapped; of wheels they are up to nine tenths.
    """
    (headers,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    segments = [_SEGMENT.unpack_from(content, headers + at * size) for at in range(count)]
    end = max(offset + stored for _, _, offset, _, _, stored, _, _ in segments)
    kept = bytearray(content[:end])
    struct.pack_into("<Q", kept, 40, 0)  # no sections ...
    struct.pack_into("<HHH", kept, 58, 0, 0, 0)  # ... of any size
    return bytes(kept)


def compiled(name: str, text: bytes) -> bytes:
    """A module as a .pyc that is never held against its source."""
    code = compile(text, f"{name.replace('.', os.sep)}.py", "exec", dont_inherit=True)
    unchecked = (0b01).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + unchecked + bytes(8) + marshal.dumps(code)


def entries(
    stdlib: str, licences: str, machine: str, folders: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Names and contents."""
    for name, source in sorted(modules([*folders, stdlib]).items()):
        package = os.path.basename(source) == "__init__.py"
        yield _place(name, package=package), compiled(name, _read(source))
    for name, of, file in shared_objects(folders):
        yield _place(name), compiled(name, STUB.encode())
        yield f"shared/{of}-{machine}/{name}.so", loadable(_read(file))
    for root, inside in files("oci_layout", folders):
        if not inside.endswith((".py", ".pyc", ".pyi", "py.typed")):
            yield inside, _read(os.path.join(root, inside))
    for root, inside in files(".", [licences]):
        yield os.path.join("licences", os.path.normpath(inside)), _read(os.path.join(root, inside))


def _place(name: str, *, package: bool = False) -> str:
    return name.replace(".", os.sep) + (f"{os.sep}__init__.pyc" if package else ".pyc")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def write(archive: str, found: Iterator[tuple[str, bytes]]) -> None:
    """Append a zip archive to a file, or make one."""
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as into:
        for name, content in found:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            into.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    _, archive, stdlib, licences, machine, *folders = sys.argv
    write(archive, entries(stdlib, licences, machine, folders))
