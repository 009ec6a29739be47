"""Thin archives on real engines: what check says, with what is there, is what they do.

Each cell is a state of the engine (what was loaded before, and as what) and an archive without its
lower layers.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import check, repack
from oci_layout.havelist.gather import have_of
from oci_layout.havelist.text import render
from oci_layout.source.opening import open_source
from tests.builders import Image, make_image, write_docker_archive
from tests.interop.built import Builder
from tests.interop.containers import Skopeo
from tests.interop.engines import Engines
from tests.interop.holding import target_of
from tests.interop.host import EngineError
from tests.interop.seen import skopeo_copy
from tests.interop.shown import Engine

PACKED = ("keep", "gzip", "zstd")
STATES = ("base", "half", "nothing", "removed", "other order")


class Stage:
    """Archives of an image and of its base, with content that no engine has seen."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        own = os.urandom(8)
        self.lower: list[Any] = [{"a": own + b"1" * 900}, {"b": own + b"2" * 800}]
        self.upper = {"new": own}

    def archive(self, what: str, layers: list[Any], compression: str, to: str) -> str:
        """One image as an archive; its path."""
        name = f"docker.io/library/{what}{self.number}:1"
        saved = self.folder / f"{what}-{self.number}-saved.tar"
        write_docker_archive([make_image(layers, names=(name,))], saved)
        path = str(self.folder / f"{what}-{self.number}.tar")
        repack(str(saved), path, to=to, compression=compression)
        return path

    def there(self, state: str, compression: str) -> str | None:
        """The archive that is loaded first; None for nothing."""
        layers = {
            "base": self.lower,
            "removed": self.lower,
            "half": self.lower[:1],
            "other order": self.lower[::-1],
        }.get(state)
        return None if layers is None else self.archive("base", layers, compression, "oci")

    def thin(self, compression: str, to: str) -> str:
        """The image without its lower layers, whoever has them."""
        whole = self.archive("app", [*self.lower, self.upper], compression, to)
        every = self.archive("every", self.lower, "keep", "oci")
        path = str(self.folder / f"thin-{self.number}.tar")
        repack(whole, path, to=to, compression="keep", have=every, reader="docker")
        return path


def have_list(folder: Path, sources: list[str]) -> list[str]:
    """What is there, as lists."""
    found = []
    for number, source in enumerate(sources):
        with open_source(source) as opened:
            lines = render(have_of(opened))
        path = folder / f"there-{number}.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        found.append(str(path))
    return found


FORMS = [(to, packed) for to in ("oci", "docker") for packed in ("keep", "gzip")]


@pytest.mark.parametrize(("to", "packed"), FORMS)
def test_a_thin_update_runs(
    engine: Engine, builder: Builder, to: str, packed: str, tmp_path: Path
) -> None:
    """The base is loaded, then the update without it; the new file is read, IDs are the same."""
    made = builder.image("app:1")
    base = Image(layers=made.layers[:2], config=dict(made.config), names=("base:1",))
    base.config["rootfs"] = {"type": "layers", "diff_ids": list(made.diff_ids[:2])}
    base.config.pop("history", None)
    old, new = (tmp_path / f"{each}.tar" for each in ("old", "new"))
    write_docker_archive([base], old)
    write_docker_archive([made], new)
    folder = Path(tempfile.mkdtemp(dir=engine.host.work))
    first, thin, full = (folder / f"{each}.tar" for each in ("first", "thin", "full"))
    repack(str(old), str(first), to=to, compression=packed)
    repack(str(new), str(full), to=to, compression=packed)
    repack(str(full), str(thin), to=to, have=str(first))
    assert thin.stat().st_size < full.stat().st_size / 10
    if isinstance(engine, Skopeo):  # it keeps no image, and so finds nothing of one
        with pytest.raises(EngineError):
            engine.copy(f"oci-archive:{engine.host.place(thin)}", f"dir:{folder / 'dir'}")
        return
    engine.load(first)
    engine.load(thin)
    wanted = builder.wanted(made)
    (shown,) = [
        name for name, each in engine.images().items() if each.image_id == made.config_digest
    ]
    (found,) = wanted.values()
    assert engine.cat(shown, found.file) == found.content
    assert list(engine.images()[shown].diff_ids) == list(made.diff_ids)
    engine.clear()


def test_what_engines_print_is_a_have_list(engines: Engines, tmp_path: Path) -> None:
    """Each engine's own words are enough to leave out what it has."""
    stage = Stage(Path(tempfile.mkdtemp(dir=engines.host.work)), 0)
    base = stage.there("base", "keep")
    assert base is not None
    name = "docker.io/library/base0:1"
    for each in (engines.docker, engines.containerd, engines.podman):
        each.load(Path(base))
    said = {
        "docker": engines.docker.docker("image", "inspect", name),
        "containerd": engines.containerd.ctr("content", "ls"),
        "podman": engines.podman.podman("image", "inspect", name),
    }
    whole = stage.archive("app", [*stage.lower, stage.upper], "keep", "oci")
    for engine, words in said.items():
        (tmp_path / f"{engine}.txt").write_bytes(words)
        report = repack(
            whole,
            str(tmp_path / f"{engine}.tar"),
            to="oci",
            have=str(tmp_path / f"{engine}.txt"),
            reader=engine,
        )
        actions = [layer.action for layer in report.images[0].layers]
        assert actions == ["left out", "left out", "kept"], engine
        path = engines.host.work / f"said-{engine}.tar"
        path.write_bytes((tmp_path / f"{engine}.tar").read_bytes())
        assert loads(engines[engine], str(path), "docker.io/library/app0:1"), engine
    for each in (engines.docker, engines.containerd, engines.podman):
        each.clear()


def test_what_another_namespace_has_is_not_there(engines: Engines) -> None:
    stage = Stage(Path(tempfile.mkdtemp(dir=engines.host.work)), 0)
    base, thin = stage.there("base", "keep"), stage.thin("keep", "oci")
    assert base is not None
    containerd = engines.containerd
    containerd.ctr("images", "import", str(containerd.host.place(Path(base))), namespace="other")
    assert not loads(containerd, thin, "docker.io/library/app0:1")
    # An import that failed leaves the name, before containerd 2: what the note of check says.
    stays = "docker.io/library/app0:1" in containerd.digests()
    (answer,) = check(thin, targets=target_of("containerd", containerd.version())).answers
    assert stays is any(note.rule.code == "name-left" for note in answer.notes)
    assert not check(thin, targets="containerd@1.6").loads
    names = containerd.ctr("images", "ls", "-q", namespace="other").decode().split()
    containerd.ctr("images", "rm", "--sync", *names, namespace="other")
    containerd.clear()


@pytest.mark.parametrize("state", STATES)
def test_check_with_what_is_there_agrees(
    engine: Engine,
    state: str,
    versions: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    target = target_of(engine.name, versions[engine.name])
    wrong, cells = [], 0
    for packed in PACKED:
        for packed_again in PACKED:
            for to in ("oci", "docker"):
                stage = Stage(Path(tempfile.mkdtemp(dir=engine.host.work)), cells)
                if engine.name == "docker" and "zstd" in (packed, packed_again):
                    continue  # test_check has what Docker makes of zstd
                cells += 1
                first = stage.there(state, packed)
                if first is not None and not isinstance(engine, Skopeo):
                    engine.load(Path(first))
                if state == "removed":
                    engine.clear()
                thin = stage.thin(packed_again, to)
                sources = [first] if first is not None and state != "removed" else []
                have = have_list(tmp_path, sources)
                said = check(thin, targets=(target,), have=have).loads
                does = loads(engine, thin, f"docker.io/library/app{stage.number}:1")
                if said is not does:
                    wrong.append(f"{packed} there, {packed_again} {to}: said {said}, does {does}")
                engine.clear()
    request.node.user_properties.append(("cells foretold", (cells - len(wrong), cells)))
    assert wrong == []


def loads(engine: Engine, path: str, name: str) -> bool:
    """Whether an engine loads an archive, and has the image afterwards."""
    if isinstance(engine, Skopeo):
        transports = ("oci-archive", "docker-archive")
        return any(skopeo_copy(engine, Path(path), each).loads for each in transports)
    try:
        engine.load(Path(path))
        return any(each in (name, name.rpartition("/")[2]) for each in engine.images())
    except EngineError:
        return False
    except KeyError:  # Docker on containerd's store lists an image without layers
        return False
