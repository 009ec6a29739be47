"""Layers as deltas: what is written, what comes back, and what is refused."""

from __future__ import annotations

import io
import json
import os
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DamagedError, LayoutError, TargetError, UsageError, inspect, repack, verify
from oci_layout import check as oci_check
from oci_layout.streams.encoding import Encoding
from tests.builders import Image, make_image, write_hybrid_archive, write_oci_layout
from tests.builders.image import Layer
from tests.delta.making import changed, content, tar
from tests.independent import check, read_files

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
MARK = "org.oci-layout.delta"
FILES = {f"usr/share/doc/file{n}": random.Random(n).randbytes(2000) for n in range(40)}  # noqa: S311


def image_of(tars: list[bytes], name: str, compression: str = "none") -> Image:
    """An image of layers."""
    like = make_image([{"a": b"1"}] * len(tars), names=(name,))
    config = json.loads(json.dumps(like.config))
    made = Image(
        layers=tuple(Layer(each, compression) for each in tars), config=config, names=(name,)
    )
    config["rootfs"]["diff_ids"] = [each.diff_id for each in made.layers]
    return made


def saved(image: Image, path: Path) -> str:
    return str(write_hybrid_archive([image], path))


def pair(folder: Path, compression: str = "none") -> tuple[str, str]:
    """An image, and the same built again: every time is another."""
    base = tar({"etc/base": b"base"})
    old = image_of([base, tar(FILES, 1_000_000)], "app:1", compression)
    new = image_of([base, tar({**FILES, "new": b"new"}, 2_000_000)], "app:2", compression)
    return saved(old, folder / "old.tar"), saved(new, folder / "new.tar")


def ours(image_tar: str, folder: Path, how: str) -> str:
    """The archive with its layers packed by our own encoder."""
    out = str(folder / f"{how}-{Path(image_tar).name}")
    repack(image_tar, out, to="oci", compression=how)
    return out


def damaged(path: str, out: Path, change: Any) -> str:
    """The archive with one delta changed; the name of the blob stays."""
    files = read_files(Path(path))
    (name,) = [name for name, data in files.items() if data.startswith(b"oci-delta")]
    files[name] = change(files[name])
    with tarfile.open(out, "w") as made:
        for each, data in files.items():
            info = tarfile.TarInfo(each)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return str(out)


@pytest.mark.parametrize("dest", ["delta.tar", "delta"])
def test_it_comes_back_byte_for_byte(dest: str, tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    delta, full, again = (str(tmp_path / each) for each in (dest, "full.tar", "again.tar"))
    report = repack(new, delta, to="oci", have=old, delta=True)
    repack(new, full, to="oci")
    assert [layer.action for layer in report.images[0].layers] == ["left out", "delta"]
    told = report.images[0].layers[1].delta
    assert told is not None
    assert told.images == ("app:1",)
    assert told.size < len(read_files(Path(full)).popitem()[1]) / 20 or told.size < 2000
    index = json.loads(read_files(Path(delta))["index.json"])
    assert index["annotations"] == {"org.oci-layout.thin": "app:1", MARK: "app:1"}
    repack(delta, again, to="oci", bases=old)
    assert read_files(Path(again)) == read_files(Path(full))
    assert not verify(delta, bases=old).failed
    assert [each.code for each in verify(delta, bases=old).findings] == ["delta", "thin"]


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_layers_that_our_own_encoder_packed_come_back_too(how: str, tmp_path: Path) -> None:
    old, new = (ours(each, tmp_path, how) for each in pair(tmp_path))
    delta, again = str(tmp_path / "delta.tar"), str(tmp_path / "again.tar")
    repack(new, delta, to="oci", have=old, delta=True, preserve_digests=True)
    manifests = [
        json.loads(data)
        for data in read_files(Path(delta)).values()
        if data.startswith(b"{") and b"layer.delta.v1" in data
    ]
    assert manifests[0]["layers"][0]["annotations"]["org.oci-layout.delta.packed"] == (
        Encoding.parse(how).encoder_name
    )
    repack(delta, again, to="oci", bases=old, preserve_digests=True)
    assert Path(again).read_bytes() == Path(new).read_bytes()


def test_what_others_packed_keeps_the_image_id(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "gzip")
    delta, again = str(tmp_path / "delta.tar"), str(tmp_path / "again.tar")
    report = repack(new, delta, to="oci", have=old, delta=True)
    assert "delta-repacked" in {each.code for each in report.warnings}
    with pytest.raises(TargetError, match="the digest would change"):
        repack(delta, again, to="oci", bases=old, preserve_digests=True)
    told = repack(delta, again, to="oci", bases=old)
    assert told.images[0].image_id_after == report.images[0].image_id_after
    assert told.images[0].manifest_after != report.images[0].manifest_after
    found = verify(delta, bases=old)
    assert not found.failed
    assert {each.code for each in found.findings} == {"delta", "delta-repacked", "thin"}
    whole = repack(new, delta, to="oci", have=old, delta=True, preserve_digests=True, force=True)
    assert [each.action for each in whole.images[0].layers] == ["left out", "kept"]


def test_without_its_base_it_says_what_it_wants(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    delta, out = str(tmp_path / "delta.tar"), tmp_path / "out.tar"
    repack(new, delta, to="oci", have=old, delta=True)
    codes = [(each.code, each.severity) for each in verify(delta).findings]
    assert sorted(codes) == [("delta", "error"), ("thin", "error")]
    assert verify(delta).verdict() == "incomplete"
    wrong = saved(image_of([tar({"x": b"x"})], "wrong:1"), tmp_path / "wrong.tar")
    for bases in ((), wrong):
        with pytest.raises(DamagedError, match="--base"):
            repack(delta, str(out), to="oci", bases=bases)
    assert not out.exists()
    assert "deltas of layers" in json.dumps(inspect(delta).to_json())


def test_no_engine_loads_it(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    delta = str(tmp_path / "delta.tar")
    repack(new, delta, to="oci", have=old, delta=True)
    for have in ((), old):
        for target in ("docker@20.10", "docker@29+containerd", "containerd@1.6", "podman"):
            (answer,) = oci_check(delta, targets=[target], have=have).answers
            assert not answer.loads, target
            assert "--base" in answer.unrepaired, target


def test_a_base_that_lies_is_found_out(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    delta, out = str(tmp_path / "delta.tar"), tmp_path / "out.tar"
    repack(new, delta, to="oci", have=old, delta=True)
    data = Path(old).read_bytes()
    at = data.index(FILES["usr/share/doc/file7"])
    lying = tmp_path / "lying.tar"
    lying.write_bytes(data[:at] + b"\0" + data[at + 1 :])
    with pytest.raises(DamagedError, match="the base has other bytes"):
        repack(delta, str(out), to="oci", bases=str(lying))
    assert not out.exists()
    with pytest.raises(DamagedError, match="--have"):
        repack(new, str(out), to="oci", have=str(lying), delta=True)
    assert not out.exists()


def test_a_damaged_delta_is_one_error(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    delta, out = str(tmp_path / "delta.tar"), tmp_path / "out.tar"
    repack(new, delta, to="oci", have=old, delta=True)
    chance = random.Random(5)  # noqa: S311  damage, not secrets

    def flipped(data: bytes) -> bytes:
        at = chance.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]

    for change in [flipped] * 25 + [lambda data: data[:-9], lambda data: data[:30]]:
        path = damaged(delta, tmp_path / "damaged.tar", change)
        assert verify(path, bases=old).failed
        try:
            repack(path, str(out), to="oci", bases=old, force=True)
        except DamagedError:
            assert not out.exists()
        else:  # the flip was in what nobody reads
            assert check(out).configs
            out.unlink()


def test_what_goes_not_together(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    out = str(tmp_path / "out.tar")
    listed = tmp_path / "there.txt"
    listed.write_text("layout-have 1\n")
    cells: list[tuple[dict[str, Any], str]] = [
        ({"have": ()}, "goes with --have"),
        ({"have": str(listed)}, "a have-list has none"),
        ({"to": "docker"}, "--to docker"),
        ({"dry_run": True}, "--dry-run"),
        ({"repair": True}, "--repair"),
        ({"volume_size": "1M"}, "--volume-size"),
    ]
    for options, message in cells:
        with pytest.raises(UsageError, match=message):
            repack(new, out, **{"to": "oci", "have": old, "delta": True, **options})
    folder = str(tmp_path / "folder")
    refused: list[dict[str, Any]] = [{"to": "dir"}, {"append": True}]
    for more in refused:
        with pytest.raises(UsageError):
            repack(new, folder, **{"to": "oci", "have": old, "delta": True, **more})
    assert not Path(out).exists()
    assert not Path(folder).exists()


def test_what_is_not_smaller_is_written_whole(tmp_path: Path) -> None:
    old = saved(image_of([tar({"a": b"1"})], "old:1"), tmp_path / "old.tar")
    noise = random.Random(9).randbytes(100_000)  # noqa: S311
    image = image_of([tar({"b": noise})], "new:1", "gzip")
    new = saved(image, tmp_path / "new.tar")
    report = repack(new, str(tmp_path / "out.tar"), to="oci", have=old, delta=True)
    (layer,) = report.images[0].layers
    assert layer.action in ("kept", "delta")
    if layer.delta is not None:
        assert layer.delta.size < len(image.layers[0].stored)


def test_the_bytes_do_not_depend_on_jobs(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    made = []
    for jobs in (1, 3):
        out = tmp_path / f"{jobs}.tar"
        repack(new, str(out), to="oci", have=old, delta=True, jobs=jobs)
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_a_folder_as_old_and_a_delta_on_a_pipe(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    base = tar({"etc/base": b"base"})
    old = write_oci_layout([image_of([base, tar(FILES, 1)], "app:1", "gzip")], tmp_path / "old")
    new = saved(image_of([base, tar(FILES, 2)], "app:2"), tmp_path / "new.tar")
    repack(new, "-", to="oci", have=str(old), delta=True)
    delta = tmp_path / "delta.tar"
    delta.write_bytes(capfdbinary.readouterr().out)
    repack(str(delta), str(tmp_path / "again.tar"), to="oci", bases=str(old))
    repack(new, str(tmp_path / "full.tar"), to="oci")
    assert read_files(tmp_path / "again.tar").keys() >= {"index.json"}
    assert check(tmp_path / "again.tar").configs == check(tmp_path / "full.tar").configs


@pytest.mark.parametrize("seed", range(1000 if SLOW else 40))
def test_delta_and_base_give_every_layer(seed: int, tmp_path: Path) -> None:
    """Files added, removed, moved, changed, retimed; layers repeated, reordered, empty, packed."""
    chance = random.Random(seed)  # noqa: S311  images, not secrets
    form = chance.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    files = [
        {f"f-1.{n}": content(chance) for n in range(chance.randint(0, 6))}
        for _ in range(chance.randint(1, 4))
    ]
    old_tars = [tar(each, 1_000_000, form) for each in files]
    new_tars = [
        old if chance.random() < 0.4 else tar(changed(chance, each), 2_000_000, form)
        for old, each in zip(old_tars, files, strict=True)
    ]
    if chance.random() < 0.3:
        chance.shuffle(new_tars)
    if chance.random() < 0.3:
        new_tars.append(chance.choice([*new_tars, tar({}), chance.randbytes(700)]))
    was, now = (chance.choice(["none", "gzip", "zstd"]) for _ in range(2))
    old = saved(image_of(old_tars, "app:1", was), tmp_path / "old.tar")
    image = image_of(new_tars, "app:2", now)
    new = saved(image, tmp_path / "new.tar")
    delta, again = str(tmp_path / "delta.tar"), str(tmp_path / "again.tar")
    report = repack(new, delta, to="oci", have=old, delta=True, jobs=chance.choice([1, 2]))
    told = repack(delta, again, to="oci", bases=old, compression="keep")
    assert told.images[0].image_id_after == report.images[0].image_id_after
    (config,) = check(Path(again)).configs
    assert config == str(report.images[0].image_id_after)
    if now == "none" and was == "none":
        assert told.images[0].manifest_after == report.images[0].manifest_before
    assert not verify(again).failed
    if any(layer.delta and layer.delta.images for layer in report.images[0].layers):
        with pytest.raises(LayoutError):
            repack(delta, str(tmp_path / "no.tar"), to="oci")
        assert not (tmp_path / "no.tar").exists()
