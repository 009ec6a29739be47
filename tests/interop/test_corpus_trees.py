"""The file system of each image of the corpus, held against what engines make of it.

Each source is given to each engine as it is; of each image that the engine takes, one container is
exported, whichever and however many sources hold it. umoci reads layouts
alone, so it is given what ``repack`` makes of the source.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout import LayoutError, SelectionError, export, repack
from tests.conftest import Figure
from tests.interop.containers import OWN
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.rootfs.made import differences
from tests.rootfs.seen import Seen, of_folder, of_tar
from tests.shared import CORPUS, FIXTURES, ROOT, samples

LEAST = {"docker": 12, "podman": 20, "umoci": 22}  # trees, or something else is wrong
HERE = "linux/amd64"


def sources() -> list[Path]:
    """All that other software saved: with ``OCI_LAYOUT_SLOW`` the samples of the fixtures, too."""
    found = [path for folder in ("tiny", "multi") for path in (CORPUS / folder).iterdir()]
    found += [path for path in (ROOT / "testdata").iterdir() if path.suffix != ".md"]
    if os.environ.get("OCI_LAYOUT_SLOW"):
        found += [FIXTURES / row["rel"] for row in samples() if row["verdict"] == "VALID"]
    return sorted(found)


def docker(engines: Engines, path: Path, work: Path) -> Iterator[str]:
    """Load a source; the images that Docker makes of it."""
    del work
    if path.is_dir():
        return
    one = engines.docker
    said = one.docker("load", "-i", str(one.host.place(path))).decode()
    names = re.findall(r"Loaded image(?: ID)?: (\S+)", said)
    yield from sorted({each["Id"] for each in one.inspect(*names)})


def podman(engines: Engines, path: Path, work: Path) -> Iterator[str]:
    """Load a source; the images that podman makes of it."""
    del work
    one = engines.podman
    if path.is_dir():
        kind = "oci" if (path / "oci-layout").exists() else "dir"
        yield one.pull(f"{kind}:{one.host.place(path)}")
        return
    said = one.podman("load", "-q", "-i", str(one.host.place(path))).decode()
    names = re.findall(r"Loaded image: (\S+)", said)
    yield from sorted({f"sha256:{one.inspect(name)['Id']}" for name in names})


def umoci(engines: Engines, path: Path, work: Path) -> Iterator[str]:
    """Make a layout of a source; the image that umoci finds in it."""
    del engines
    repack(
        path,
        work / "layout",
        to="oci",
        names=["example.com/x:only"],
        platforms=[HERE],
        compression="gzip",  # it reads no zstd
        attestations="drop",  # it takes an index of an image and its attestation for two images
    )
    yield ""


def exported(engines: Engines, name: str, image_id: str, work: Path) -> dict[str, Seen]:
    """What an engine makes of an image: one container, which never runs, or one folder."""
    if name == "umoci":
        words = ["umoci", "raw", "unpack", "--image", f"{work}/layout:only", f"{work}/theirs"]
        engines.host.run(words)
        return of_folder(work / "theirs", OWN)
    run = engines.docker.docker if name == "docker" else engines.podman.podman
    container = run("create", image_id.removeprefix("sha256:"), "/none").decode().strip()
    data = run("export", container)
    run("rm", container)
    return of_tar(io.BytesIO(data), OWN)


ENGINES: dict[str, Callable[[Engines, Path, Path], Iterator[str]]] = {
    "docker": docker,
    "podman": podman,
    "umoci": umoci,
}


def ours(path: Path, image_id: str, work: Path) -> dict[str, Seen]:
    """What ``export`` makes of the same image; an engine makes a config of its own of schema 1."""
    dest = work / "ours.tar"
    chosen: list[dict[str, Any]] = [{"images": [image_id]}] if image_id else []
    for how in [*chosen, {"platforms": [HERE]}, {}]:
        try:
            export(path, dest, force=True, **how)
        except SelectionError:
            continue
        with dest.open("rb") as file:
            return of_tar(file, OWN)
    raise AssertionError(path)


def differing(ours: dict[str, Seen], theirs: dict[str, Seen], *but: str) -> list[str]:
    """What differs; but for folders that no layer lists, which each engine makes in its own way."""
    unlisted = {
        each
        for each in ours.keys() & theirs.keys()
        if ours[each].kind == theirs[each].kind == "folder" and not ours[each].mtime
    }
    return differences({**ours, **{each: theirs[each] for each in unlisted}}, theirs, *but)


@pytest.mark.parametrize("name", ENGINES)
def test_trees_of_the_corpus(name: str, engines: Engines, figure: Figure) -> None:
    if not CORPUS.is_dir():
        pytest.skip("no corpus of saved images (OCI_LAYOUT_SHARED names another)")
    every, equal, refused, wrong = sources(), 0, [], []
    theirs: dict[str, dict[str, Seen]] = {}  # images that several sources hold are exported once
    trees = 0
    for number, path in enumerate(every):
        work = engines.host.new_dir(f"tree-{name}-{number}")
        before = trees
        try:
            for image_id in ENGINES[name](engines, path, work):
                key = image_id or str(number)
                if key not in theirs:
                    theirs[key] = exported(engines, name, image_id, work)
                trees += 1
                but = () if name == "umoci" else ("xattrs",)
                found = differing(ours(path, image_id, work), theirs[key], *but)
                equal += not found
                wrong += [f"{path.parent.name}/{path.name}: {found[:4]}"] if found else []
        except (EngineError, LayoutError):
            assert trees == before, path
        refused += [f"{path.parent.name}/{path.name}"] if trees == before else []
        shutil.rmtree(work, ignore_errors=True)
    if name != "umoci":
        engines[name].clear()
    figure(
        f"trees as {name} makes them: {equal} of {trees} equal, of {len(every)} sources, of which "
        f"it loads {len(every) - len(refused)}"
    )
    assert not wrong, wrong
    assert trees >= LEAST[name], refused
