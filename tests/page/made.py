"""Images to look at on a page: one as people have them, and one that is full of script."""

from __future__ import annotations

import random
from pathlib import Path

from tests.builders import Layer, layer_tar, make_image, write_oci_layout
from tests.builders.trees import image_of

SCRIPT = "</script><script>alert(1)</script>"
ATTRIBUTE = '"\' onmouseover=alert(2) autofocus onfocus=alert(3) x="'
IMAGE = "<img src=https://evil.example/x onerror=alert(4)>"
STYLE = "</style><style>@import 'https://evil.example/y';</style>"
UNSEEN = "\u202egnp.exe\x1b[31m\x00\u200b"
EVIL = (SCRIPT, ATTRIBUTE, IMAGE, STYLE, UNSEEN, "{{7*7}}${alert(5)}", "javascript:alert(6)")


def hostile(path: Path) -> str:
    """A layout with script wherever a text can be."""
    every = " ".join(EVIL)
    names = [text.replace("/", "_").replace("\0", "") for text in EVIL]
    base = {f"dir{n}{name}/{name}": bytes(100 * n + 50) for n, name in enumerate(names)}
    base |= {f"etc/{IMAGE.replace('/', '_')}": bytes(9_000), "__proto__/constructor": bytes(3_000)}
    again = {f"etc/{IMAGE.replace('/', '_')}": bytes(12_000)}
    image = make_image(
        [base, again],
        config={
            "Cmd": list(EVIL[:4]),
            "Entrypoint": [SCRIPT],
            "Env": [f"A{n}={text}".replace("\0", "") for n, text in enumerate(EVIL)],
            "Labels": {text.replace("\0", ""): text for text in EVIL},
            "User": IMAGE,
            "WorkingDir": SCRIPT,
            "StopSignal": STYLE,
            "ExposedPorts": {ATTRIBUTE: {}},
            "Volumes": {IMAGE: {}},
            "Healthcheck": {"Test": ["CMD-SHELL", every]},
        },
    )
    image.config["author"] = every
    image.config["created"] = SCRIPT
    for line in image.config["history"]:
        line["created_by"] = every
        line["comment"] = STYLE
    return str(write_oci_layout([image], path))


def ordinary(path: Path, files: int = 400, seed: int = 5) -> str:
    """A layout as a base, packages and an application make it, with waste."""
    chance = random.Random(seed)  # noqa: S311  the same files each time
    folders = [
        "usr/lib/x86_64",
        "usr/bin",
        "usr/share/doc",
        "usr/share/locale/de",
        "etc",
        "var/log",
    ]
    folders += [f"usr/lib/python3.12/site-packages/pkg{n}" for n in range(max(6, files // 200))]
    base = {
        f"{chance.choice(folders)}/file-{n}.so": bytes(
            int(chance.paretovariate(0.9) * 300) % 400_000
        )
        for n in range(files)
    }
    base["var/cache/apt/archives/big.deb"] = bytes(900_000)
    replaced = sorted(base)[:: max(2, files // 40)]
    second = {path: base[path] + b"x" for path in replaced if not path.startswith("var/cache")}
    second |= {f"srv/app/static/page-{n}.html": bytes(2_000 + 90 * n) for n in range(40)}
    third = {"var/cache/apt/.wh.archives": b"", "etc/app.conf": b"a=1\n" * 30}
    packed = ("gzip", "gzip", "zstd")
    image = make_image(
        [base, second, third], names=("registry.example/team/app:1.4",), compression=packed
    )
    image.config["history"] = [
        {
            "created": "2026-03-01T10:00:00Z",
            "created_by": "/bin/sh -c #(nop) ADD file:8f2e0a5c in / ",
        },
        {
            "created": "2026-03-01T10:00:01Z",
            "created_by": '/bin/sh -c #(nop)  CMD ["bash"]',
            "empty_layer": True,
        },
        {
            "created": "2026-03-02T11:30:00Z",
            "created_by": "RUN /bin/sh -c apt-get update && apt-get install -y "
            "--no-install-recommends python3 python3-pip ca-certificates && "
            "pip install --no-cache-dir -r requirements.txt "
            "# buildkit",
            "comment": "buildkit.dockerfile.v0",
        },
        {"created": "2026-03-02T11:31:00Z", "created_by": "RUN rm -r /var/cache/apt/archives"},
        {"created": "2026-03-02T11:31:00Z", "created_by": "EXPOSE 8080", "empty_layer": True},
    ]
    return str(write_oci_layout([image], path))


def image_at(path: Path, *layers: dict[str, bytes]) -> str:
    """A layout of one image of these layers, base first."""
    return str(write_oci_layout([image_of(*(Layer(layer_tar(each)) for each in layers))], path))
