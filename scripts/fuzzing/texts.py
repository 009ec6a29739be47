"""Targets that read one text: names, platforms, sums, what goes to a screen."""

# ruff: noqa: ARG005  every target is called alike, with a folder
from __future__ import annotations

import functools
import random
from collections.abc import Callable

from oci_layout.cli.cells import folded
from oci_layout.cli.text import shown
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.mediatype import LayerType, document_kind
from oci_layout.option import size_of
from oci_layout.platform import Platform
from oci_layout.reference import ImageName, InvalidReferenceError, Reference
from oci_layout.streams.names import UnsafeNameError, normalise
from oci_layout.streams.whiteouts import whiteout
from oci_layout.targets.target import Target as EngineTarget
from oci_layout.verification import sums
from scripts.fuzzing import values
from scripts.fuzzing.targets import Target, known, require, void

PIECES = [
    *(
        "demo",
        "library/demo",
        "docker.io",
        "localhost",
        "host:5000",
        "[::1]",
        "a.b",
        "team/app",
        ":1",
        "@",
    ),
    *(
        "linux",
        "/",
        "amd64",
        "arm64",
        "v8",
        "(10.0.17763.1)",
        "windows",
        ":",
        "sha256:",
        "a" * 64,
        "b" * 128,
    ),
    *(
        "docker@20.10",
        "containerd",
        "+containerd",
        "k3s@v1.30.2+k3s1",
        "skopeo",
        "@",
        "+",
        "9" * 40,
        ".",
    ),
    *(
        "  ",
        " *",
        "\\",
        "\\n",
        "\n",
        "\r",
        "# c",
        "SHA256 (a) = ",
        "0" * 64 + "  a\n",
        "./",
        "../",
        "//",
    ),
    *(
        "application/vnd.",
        "oci.image.layer.v1.tar",
        "+gzip",
        ".gzip",
        ".wh.",
        ".wh..wh..opq",
        "10G",
        "KiB",
    ),
    *(
        "\0",
        "\x1b[0m",
        "\u202e",
        "\ud800",
        "\u0130",
        "\uff11",
        "\u0660",
        "e\u0301",
        "\U0001f600",
        "\u200b",
    ),
]


HOSTS = ["", "docker.io/", "localhost/", "host:5000/", "[::1]:5/", "A.b/", "index.docker.io/", "h/"]
PATHS = [
    "demo",
    "library/demo",
    "a/b/c",
    "a__b",
    "a-b.c",
    "a--b",
    "Demo",
    "a" * 64,
    "x/" * 20 + "y",
]
SYSTEMS = ["linux", "windows", "macos", "darwin", "freebsd", "Linux"]
MACHINES = [
    "amd64",
    "x86_64",
    "x86-64",
    "i386",
    "aarch64",
    "arm64",
    "arm",
    "armhf",
    "armel",
    "riscv64",
]
VARIANTS = ["", "", "/v5", "/v6", "/v7", "/v8", "/8", "/v9", "/v9.1", "/v8.4", "/v10", "/v2", "/v1"]
ENGINES = ["docker", "containerd", "podman", "skopeo", "cri-o", "kind", "k3s", "rke2", "nerdctl"]
ENGINES += ["k3d", "microk8s", "k0s", "talos", "minikube"]
VERSIONS = ["", "@1", "@1.9", "@20.10", "@29", "@v1.30.2", "@1.30.2+k3s1", "@0.11", "@1.2.3.4"]
TAILS = ["", "+containerd", "+oci", "+oci-archive", "+docker-archive", "+dir", "+k3s1", "+x"]
FILES = ["a", "b c", "./a", "\\n", "a\\\\b", "a\rb", " a", "#", "(", "x) = y", "\u00fc", "\udcff"]


def _sum_line(rng: random.Random) -> str:
    name, value = rng.choice(FILES), "".join(rng.choices("0123456789abcdefABCDEF", k=64))
    form = rng.choice(["{v}  {n}", "{v} *{n}", "\\{v}  {n}", "SHA256 ({n}) = {v}", "# {n}", ""])
    return form.format(v=rng.choice([value, "0" * 64]), n=name) + rng.choice(["\n", "\n", "\r\n"])


def _path(rng: random.Random) -> str:
    parts = [
        rng.choice([".wh.", ".wh..wh..opq", ".wh.x", "..", ".", "", "a", "b"]) for _ in range(4)
    ]
    return "/".join(parts[: rng.randrange(1, 5)])


FORMS: dict[str, Callable[[random.Random], str]] = {
    "reference": lambda rng: (
        rng.choice(HOSTS)
        + rng.choice(PATHS)
        + rng.choice(["", "", ":1", ":latest", ":" + "t" * 128])
        + rng.choice(["", "", "@sha256:" + "a" * 64, "@x+y:" + "0" * 32])
    ),
    "platform": lambda rng: (
        rng.choice(SYSTEMS)
        + rng.choice(["", "", "(10.0.17763.1)", "(10.0.20348)", "(1.a)", "()"])
        + "/"
        + rng.choice(MACHINES)
        + rng.choice(VARIANTS)
    ),
    "digest": lambda rng: rng.choice(
        ["sha256:" + "0123456789abcdef" * 4, "sha512:" + "0f" * 64, "sha256:" + "A" * 64]
    ),
    "sums": lambda rng: "".join(_sum_line(rng) for _ in range(rng.randrange(1, 6))),
    "engine": lambda rng: rng.choice(ENGINES) + rng.choice(VERSIONS) + rng.choice(TAILS),
    "size": lambda rng: (
        str(rng.choice(values.NUMBERS)) + rng.choice(["", "K", "MiB", "gb", "T", "B"])
    ),
    "names": lambda rng: rng.choice([_path(rng), rng.choice(values.TYPES)]),
}


def _words(rng: random.Random, name: str) -> bytes:
    """A text of the form that is read, with some pieces put in; sometimes pieces alone."""
    form = FORMS.get(name)
    if form is None or rng.random() < 0.2:
        text = "".join(rng.choice(PIECES) for _ in range(rng.choice([1, 2, 3, 5, 9, 30])))
    else:
        text = form(rng)
        if rng.random() < 0.4:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(PIECES) + text[at + rng.randrange(3) :]
    data = text.encode("utf-8", "surrogatepass")
    return values.garble(rng, data) if rng.random() < 0.2 else data


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def _reference(text: str) -> None:
    for name in (ImageName.familiar(text), ImageName.from_ref_name(text)):
        require(isinstance(name.key, str) and isinstance(name.tag, str), "no key")
        str(name)
    for default in ("latest", ""):
        made = Reference.parse(text, default_tag=default)
        require(Reference.parse(str(made), default_tag="") == made, "a name reads back otherwise")
        require(len(made.familiar) <= len(str(made)), "the familiar name is longer")


def _platform(text: str) -> None:
    made = Platform.parse(text)
    once = made.normalised()
    require(once.normalised() == once, "normalising twice changes it again")
    require(Platform.parse(str(made)).normalised() == once, "a platform reads back otherwise")
    require(made.matches(made) or made.unknown, "a platform does not match itself")
    void(made.runs)
    void(made.version_order)


def _digest(text: str) -> None:
    require(str(Digest.parse(text)) == text, "a digest reads back otherwise")


def _sums(text: str) -> None:
    found = sums.parse(text, "x")
    if not any(name.startswith("./") for name in found):  # of which one is taken off each time
        require(sums.parse(sums.render(found), "y") == found, "sums read back otherwise")
    findings = Findings()
    sums.compare(found, dict(list(found.items())[:1]), findings)
    known(findings.found)


def _names(text: str) -> None:
    whiteout(text)
    LayerType.parse(text)
    document_kind(text)
    require(".." not in normalise(text).split("/"), "a name leaves its folder")


def _screen(text: str) -> None:
    line = shown(text)
    require(line.isprintable(), "what is shown is not printable")
    for width in (40, 80):
        lines = folded(line, width, "  ", "    ")
        require(all(each.isprintable() for each in lines), "a line is not printable")


def _textual(name: str, read: Callable[[str], object], *allowed: type[Exception]) -> Target:
    return Target(
        name=name,
        make=functools.partial(_words, name=name),
        run=lambda data, room: void(read(_decoded(data))),
        allowed=(LayoutError, *allowed),
    )


TEXTS = (
    _textual("reference", _reference, InvalidReferenceError),
    _textual("platform", _platform, ValueError),
    _textual("digest", _digest, InvalidDigestError),
    _textual("sums", _sums),
    _textual("names", _names, UnsafeNameError),
    _textual("engine", EngineTarget.parse),
    _textual("size", size_of),
    _textual("screen", _screen),
)
