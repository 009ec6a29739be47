"""The runtime of the one file: CPython without any file beside it, for an old C library.

The compiler is Zig's C compiler: it has headers and stubs of every glibc since 2.17 and compiles
for both machines on either. What an old glibc lacks, configure does not find, and nothing uses.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
from pathlib import Path

from bundling import inputs
from bundling.shell import HERE, die, run, say, sha256

GLIBC = "2.28"  # RHEL 8, Debian 10, SLES 15 SP3; cryptography's wheels ask for it, too
_EPOCH = "315532800"  # 1980: the first date that a zip can tell
# Of no use here: windows, terminals, other databases, TLS, tests.
_ABSENT = (
    *("_asyncio", "_crypt", "_curses", "_curses_panel", "_dbm", "_elementtree", "_gdbm", "_lsprof"),
    *("_interpchannels", "_interpqueues", "_interpreters", "_ssl", "_testcapi", "_tkinter"),
    *("_uuid", "_xxtestfuzz", "nis", "ossaudiodev", "pyexpat", "readline", "resource", "spwd"),
    *("syslog", "termios", "xxsubtype"),
)
_CONFIGURE = (
    *("--prefix=/usr", "--disable-shared", "--disable-test-modules", "--without-ensurepip"),
    *("--without-readline", "--with-pkg-config=no", "PKG_CONFIG=false", "READELF=readelf"),
    "OPT=-O3 -DNDEBUG -g0 -fwrapv",
)
_CANNOT_TRY = ("ac_cv_file__dev_ptmx=yes", "ac_cv_file__dev_ptc=no", "ac_cv_buggy_getaddrinfo=no")
# Only what extension modules need is seen from outside, so no library takes another's function.
_SEEN = "{ Py*; _Py*; };\n"


class Runtime:
    """The runtime for one machine: unpacked, compiled and linked on first use, then kept.

    Args:
        work: the folder that is kept between runs.
        machine: x86_64 or aarch64.
    """

    def __init__(self, work: Path, machine: str) -> None:
        self.machine = machine
        self._work = work
        self._libraries = work / "inputs" / f"libraries-{machine}"
        self._tools = inputs.tools(work)
        self.folder = work / f"runtime-{machine}-{self._key()}"
        self.program = self.folder / f"layout-{_short(sha256(HERE / 'main.c'))}"
        self.python = self.folder / "build/python"  # of any use on this machine alone
        self.stdlib = self.folder / "source/Lib"

    def _key(self) -> str:
        """What it is made of, in short: another input is another runtime."""
        files = [
            *sorted((self._work / "inputs/source").iterdir()),
            *sorted(self._libraries.iterdir()),
        ]
        recipe = [HERE / "tools.txt", HERE / "runtime.py"]
        return _short(*(sha256(path) for path in [*files, *recipe]))

    def made(self) -> Runtime:
        """The same, with its files there."""
        compiled = self.folder / "compiled"
        if not compiled.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._unpack()
            self._compile()
            compiled.touch()
        if not self.program.exists():
            self._link()
        return self

    def _unpack(self) -> None:
        (description,) = (self._work / "inputs/source").glob("*.dsc")
        run(["dpkg-source", "--extract", description, self.folder / "source"])
        for package in sorted(self._libraries.glob("*.deb")):
            run(["dpkg-deb", "--extract", package, self.folder / "packages"])
        # Static archives and headers alone, where configure looks for them.
        usr, triple = self.folder / "packages/usr", f"{self.machine}-linux-gnu"
        shutil.copytree(usr / "include", self.folder / "libraries/include")
        shutil.copytree(
            usr / "include" / triple, self.folder / "libraries/include", dirs_exist_ok=True
        )
        (self.folder / "libraries/lib").mkdir()
        for archive in (usr / "lib" / triple).glob("*.a"):
            shutil.copy(archive, self.folder / "libraries/lib")

    def _environment(self) -> dict[str, str]:
        cache = str(self._work / "zig")
        return {
            "LC_ALL": "C",
            "SOURCE_DATE_EPOCH": _EPOCH,
            "MODULE_BUILDTYPE": "static",
            "ZIG_GLOBAL_CACHE_DIR": cache,
            "ZIG_LOCAL_CACHE_DIR": cache,
        }

    def _zig(self) -> Path:
        home = run([self._tools, "-c", "import ziglang; print(ziglang.__path__[0])"])
        return Path(home.strip()) / "zig"

    def _program(self, name: str, arguments: str) -> Path:
        """A program of Zig's under a name of its own, as configure wants it."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec "{self._zig()}" {arguments} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return path

    def _compile(self) -> None:
        say(f"compiling CPython for {self.machine}: three minutes of one core")
        build, libraries = self.folder / "build", self.folder / "libraries"
        build.mkdir(exist_ok=True)
        own = {"ZLIB": "z", "BZIP2": "bz2", "LIBLZMA": "lzma", "LIBFFI": "ffi"}
        options = [f"{name}_LIBS={libraries}/lib/lib{of}.a" for name, of in own.items()]
        options += [f"{name}_CFLAGS=-I{libraries}/include" for name in own]
        options += [f"LIBSQLITE3_CFLAGS=-I{libraries}/include", "LIBSQLITE3_LIBS=-lsqlite3 -lm"]
        options += [f"LDFLAGS=-L{libraries}/lib"]
        if self.machine != platform.machine():
            here = Runtime(self._work, platform.machine()).made()
            options += [
                f"--build={platform.machine()}-linux-gnu",
                f"--host={self.machine}-linux-gnu",
            ]
            options += [f"--with-build-python={here.python}", *_CANNOT_TRY]
        options += [f"py_cv_module_{name}=n/a" for name in _ABSENT]
        hidden = f"-ffile-prefix-map={self.folder}=/layout -Wno-date-time"
        run(
            [
                *("../source/configure", *_CONFIGURE),
                f"--with-openssl={libraries}",
                f"CC={self._program('cc', f'cc -target {self.machine}-linux-gnu.{GLIBC}')}",
                f"AR={self._program('ar', 'ar')}",
                f"RANLIB={self._program('ranlib', 'ranlib')}",
                f"CFLAGS={hidden}",
                *options,
            ],
            folder=build,
            environment=self._environment(),
            log=self.folder / "configure.log",
        )
        missing = re.findall(
            r"^MODULE_(\w+)_STATE=missing$",
            (build / "Makefile").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        if missing:
            die(f"CPython would lack {', '.join(missing)}: see {build}/config.log")
        run(
            ["make", f"-j{os.cpu_count()}", "python", f"libpython{inputs.PYTHON}.a"],
            folder=build,
            environment=self._environment(),
            log=self.folder / "make.log",
        )

    def _link(self) -> None:
        build, lib = self.folder / "build", self.folder / "libraries/lib"
        seen = self.folder / "seen.txt"
        seen.write_text(_SEEN, encoding="utf-8")
        archives = [
            build / f"libpython{inputs.PYTHON}.a",
            *sorted((build / "Modules").rglob("*.a")),
        ]
        archives += [lib / f"lib{x}.a" for x in ("crypto", "z", "bz2", "lzma", "sqlite3", "ffi")]
        partial = self.folder / "partial"
        printed = run(
            [
                *(self.folder / "bin/cc", "-O2", "-g0", "-s", "-pie", "-fPIE", "-o", partial),
                *(f"-I{build}", f"-I{self.folder}/source/Include", HERE / "main.c", *archives),
                *("-rdynamic", "-Wl,--gc-sections", "-ldl", "-lm", "-lpthread", "-lutil", "-lrt"),
            ],
            environment={**self._environment(), "ZIG_VERBOSE_LINK": "1"},
        )
        # Zig's driver refuses --dynamic-list, which its linker knows.
        *_, words = (line.split() for line in printed.splitlines() if line.startswith("ld.lld "))
        words[words.index("--export-dynamic")] = f"--dynamic-list={seen}"
        run([self._zig(), *words], environment=self._environment())
        partial.rename(self.program)


def _short(*of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:12]
