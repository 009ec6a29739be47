"""An image of 1 GB and a shelf of ten, in volumes of 200 MB, on Docker and containerd."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack, verify
from tests.builders.image import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, go_json
from tests.builders.layout import LAYOUT_MARKER, name_annotations
from tests.interop.built import Builder
from tests.interop.engines import Engines
from tests.interop.shown import HERE

pytestmark = pytest.mark.skipif(
    os.environ.get("OCI_LAYOUT_SLOW") != "1", reason="writes some gigabytes: OCI_LAYOUT_SLOW=1"
)
MEGABYTE = 1_000_000


class Layouts:
    """Writes a layout whose layers are too large for memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []
        (folder / "blobs/sha256").mkdir(parents=True)

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """A document."""
        hexed = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / hexed).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{hexed}", "size": len(data)}

    def layer(self, megabytes: int, files: Mapping[str, bytes]) -> dict[str, Any]:
        """A layer of some small files and a large one, which nobody has seen."""
        path = self.folder / "new"
        seed = os.urandom(16)
        large = self.folder / "large"
        with large.open("wb") as out:
            for number in range(megabytes):
                out.write((seed + number.to_bytes(4, "big")) * (MEGABYTE // 20))
        with tarfile.open(path, "w") as tar:
            tar.add(large, seed.hex())
            for name, data in files.items():
                small = self.folder / "small"
                small.write_bytes(data)
                small.chmod(0o755)
                tar.add(small, name)
        with path.open("rb") as made:
            running = hashlib.sha256()
            for piece in iter(lambda: made.read(MEGABYTE), b""):
                running.update(piece)
        hexed = running.hexdigest()
        size = path.stat().st_size
        path.rename(self.folder / "blobs/sha256" / hexed)
        return {"mediaType": LAYER_TYPE["oci"], "digest": f"sha256:{hexed}", "size": size}

    def image(self, name: str, layers: Sequence[Mapping[str, Any]]) -> str:
        """An image; its ID."""
        diff_ids = [layer["digest"] for layer in layers]
        config = go_json(
            {
                "architecture": HERE,
                "os": "linux",
                "config": {"Cmd": ["/bin/busybox", "cat", "/motd"]},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        )
        described = self.blob(config, CONFIG_TYPE["oci"])
        value = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE["oci"],
            "config": described,
            "layers": list(layers),
        }
        entry = self.blob(go_json(value), MANIFEST_TYPE["oci"])
        self.entries.append({**entry, "annotations": name_annotations(name)})
        return str(described["digest"])

    def finish(self) -> str:
        """Write the index; the folder."""
        for name in ("large", "small"):
            (self.folder / name).unlink(missing_ok=True)
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE["oci"], "manifests": self.entries}
        (self.folder / "index.json").write_bytes(go_json(index))
        (self.folder / "oci-layout").write_bytes(LAYOUT_MARKER)
        return str(self.folder)


def one_of_a_gigabyte(made: Layouts, busybox: bytes) -> dict[str, str]:
    first = made.layer(150, {"bin/busybox": busybox})
    rest = [made.layer(165, {f"f{number}": b"x"}) for number in range(4)]
    last = made.layer(190, {"motd": b"hello from the top\n"})
    return {"gigabyte:1": made.image("gigabyte:1", [first, *rest, last])}


def shelf_of_ten(made: Layouts, busybox: bytes) -> dict[str, str]:
    base = [made.layer(60, {"bin/busybox": busybox}), made.layer(40, {"etc/base": b"x"})]
    return {
        f"shelf{number}:1": made.image(
            f"shelf{number}:1", [*base, made.layer(45, {"motd": b"hello from the top\n"})]
        )
        for number in range(10)
    }


@pytest.mark.parametrize("make", [one_of_a_gigabyte, shelf_of_ten])
def test_volumes_of_200_megabytes(make: Any, engines: Engines, builder: Builder) -> None:
    folder = Path(tempfile.mkdtemp(dir=engines.host.work))
    made = Layouts(folder / "layout")
    ids = make(made, builder.busybox)
    source = made.finish()
    began = time.monotonic()
    report = repack(source, str(folder / "x.tar"), to="oci", volume_size=200 * MEGABYTE)
    print(f"\n{make.__name__}: cut in {time.monotonic() - began:.1f} s")
    for volume in report.volumes:
        assert volume.size <= 200 * MEGABYTE
        held = [*volume.images, *([volume.partial] if volume.partial else [])]
        print(f"  {volume.file}  {volume.size}  {', '.join(held)}")
    assert not verify(str(folder / "x.volumes.json")).failed
    for engine in (engines.docker, engines.containerd):
        for volume in report.volumes:
            began = time.monotonic()
            engine.load(folder / volume.file)
            print(
                f"  {engine.name} {engine.version()}: {volume.file} loaded in "
                f"{time.monotonic() - began:.1f} s"
            )
        shown = {
            name.removeprefix("docker.io/library/"): each for name, each in engine.images().items()
        }
        for name, image_id in ids.items():
            assert shown[name].image_id == image_id
        name = list(ids)[-1]
        full = name if engine is engines.docker else f"docker.io/library/{name}"
        assert engine.cat(full, "/motd") == b"hello from the top\n"
        print(f"  {engine.name}: {len(ids)} image IDs as stated; {name} gives its file")
        engine.clear()
