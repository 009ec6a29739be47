"""containers-storage as a source: its images are put together, and nothing outside is read."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from oci_layout import NotAnImageError, diff, have, inspect, limits, merge, repack, verify
from oci_layout.comparison.verdict import Verdict
from oci_layout.errors import ChangedError, LayoutError, ReadError
from oci_layout.finding import Severity
from oci_layout.graph.nodes import ImageIndex
from oci_layout.source.rootedstore import RootedStore
from tests.builders import make_image, sha256, write_oci_layout
from tests.builders.containersroot import (
    Listed,
    Storage,
    data_file,
    layer_ids,
    write_containers_root,
)
from tests.builders.dockerroot import write_docker_root
from tests.builders.image import INDEX_TYPE, Image, Layer, go_json, hex_of
from tests.builders.trees import fingerprint
from tests.source.opened import collected, held, opened

BASE = {"etc/motd": b"hello\n", "usr/lib/a": bytes(range(256)) * 5000, "empty": b""}
APP = make_image(
    [BASE, {"srv/p\u00e4th/b\udcff": b"two"}],
    names=("app:1", "host:5000/team/app:2"),
    compression="gzip",
)
OTHER = make_image([BASE, {"srv/c": b"three", ".wh.x": b""}], names=("other:1",))
NAMELESS = make_image([{"d": b"4"}], names=())
ALONE = make_image([{"etc/motd": b"hello\n", "etc/x": b"x"}], names=("a:1",), compression="gzip")


def alone(folder: Path, driver: str = "overlay") -> Storage:
    return write_containers_root([ALONE], folder / "storage", driver=driver)


def found(path: Path, **options: Any) -> list[tuple[str, str, str]]:
    """Errors and warnings: code, member, message."""
    return [
        (each.code, each.where.member, each.message)
        for each in verify(path, **options).findings
        if each.severity is not Severity.NOTE
    ]


def assert_holds(path: Path, *expected: Image) -> None:
    """Assert that a root holds these images under their names, each layer as its raw tar."""
    images = held(path)
    assert sorted(images) == sorted(tuple(sorted(image.names)) for image in expected)
    with opened(path) as source:
        for image in expected:
            (root,) = [
                root
                for root in source.roots
                if tuple(sorted(map(str, root.names))) == tuple(sorted(image.names))
            ]
            (read,) = [root.node]
            assert read.config_member.read(1 << 20) == image.config_bytes  # type: ignore[union-attr]
            layers = read.layers  # type: ignore[union-attr]
            for layer, built in zip(layers, image.layers, strict=True):
                assert layer.member is not None
                assert layer.member.read(1 << 24) == built.raw


@pytest.mark.parametrize("family", ["oci", "docker"])
@pytest.mark.parametrize("driver", ["overlay", "vfs", "aufs", "btrfs"])
def test_images_come_out_as_they_went_in(driver: str, family: Any, tmp_path: Path) -> None:
    root = write_containers_root(
        [APP, OTHER, NAMELESS], tmp_path / "storage", driver=driver, family=family
    )
    assert_holds(root.path, APP, OTHER, NAMELESS)
    report = verify(root.path)
    assert not report.findings
    assert [image.sound for image in report.images] == [True] * 3
    assert "containers-storage" in report.source_kind


@pytest.mark.parametrize(
    "below", ["", "overlay-images", "overlay-layers", "..", "../..", "../../..", "../../../.."]
)
def test_any_of_these_folders_is_it(below: str, tmp_path: Path) -> None:
    root = write_containers_root([NAMELESS], tmp_path / "var/lib/containers/storage")
    assert_holds(root.path / below, NAMELESS)


def test_that_of_a_user_is_found_in_the_home(tmp_path: Path) -> None:
    write_containers_root([NAMELESS], tmp_path / ".local/share/containers/storage")
    assert_holds(tmp_path, NAMELESS)


def test_of_several_drivers_one_is_to_be_chosen(tmp_path: Path) -> None:
    root = write_containers_root([APP], tmp_path, driver="overlay")
    write_containers_root([], tmp_path, driver="btrfs")
    assert_holds(tmp_path, APP)
    other = write_containers_root([OTHER], tmp_path, driver="vfs")
    with pytest.raises(NotAnImageError, match="2 storage drivers: overlay, vfs") as caught:
        held(tmp_path)
    assert "overlay-images" in caught.value.hint
    assert_holds(root.images, APP)
    assert_holds(other.images, OTHER)


def test_of_several_engines_one_is_to_be_chosen(tmp_path: Path) -> None:
    write_containers_root([APP], tmp_path / "var/lib/containers/storage")
    write_docker_root([OTHER], tmp_path / "var/lib/docker")
    with pytest.raises(NotAnImageError, match="the stores of 2 engines") as caught:
        held(tmp_path)
    assert "var/lib/docker" in caught.value.hint
    assert "var/lib/containers/storage" in caught.value.hint


def test_every_verb(tmp_path: Path) -> None:
    """The image ID stays in either form; nothing in the root is touched."""
    root = write_containers_root([APP, OTHER], tmp_path / "storage").path
    before = fingerprint(root)
    assert len(inspect(root).roots) == 2
    for form, name in (("docker", "x.tar"), ("oci", "x")):
        dest = tmp_path / name
        repack(root, dest, to=form)
        assert not [each for each in verify(dest).findings if each.severity is Severity.ERROR]
        assert {str(i.config.digest) for some in held(dest).values() for i in some} == {
            APP.config_digest,
            OTHER.config_digest,
        }
        assert sorted(held(dest)) == sorted(held(root))
    merge([root], tmp_path / "m.tar")
    assert diff(root, tmp_path / "x.tar").verdict is Verdict.SAME_IMAGE_ID
    assert {str(image.config) for image in have([root]).images} == {
        APP.config_digest,
        OTHER.config_digest,
    }
    assert fingerprint(root) == before


def test_a_manifest_stays_whose_layers_were_raw(tmp_path: Path) -> None:
    """Others are new, and the report says of both what they were."""
    root = write_containers_root([APP, OTHER], tmp_path / "storage").path
    report = repack(root, tmp_path / "out", to="oci")
    app, other = report.images
    assert str(other.manifest_after) == OTHER.manifest_digest() == str(other.manifest_before)
    assert not other.changes
    assert str(app.manifest_before) == APP.manifest_digest() != str(app.manifest_after)
    assert [str(layer.before) for layer in app.layers] == [layer.digest for layer in APP.layers]
    assert [str(layer.after) for layer in app.layers] == list(APP.diff_ids)
    (change,) = app.changes
    assert "2 layers kept unpacked" in change.what


def test_a_label_that_lied_about_a_raw_layer(tmp_path: Path) -> None:
    """podman keeps it so of what docker save wrote; the result says it right."""
    gzipped = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    manifest = OTHER.manifest("docker")
    for layer in manifest["layers"]:
        layer["mediaType"] = gzipped
    raw = go_json(manifest)
    root = write_containers_root([OTHER], tmp_path / "storage", family="docker")
    root.data(OTHER, "manifest").write_bytes(raw)
    root.list_images(lambda images: images[0]["big-data-digests"].update(manifest=sha256(raw)))
    assert not found(root.path)
    repack(root.path, tmp_path / "out.tar", to="docker")
    assert not found(tmp_path / "out.tar")


def test_very_blobs_that_another_source_has(tmp_path: Path) -> None:
    """With them the manifest is the one that was pulled."""
    root = write_containers_root([APP], tmp_path / "storage").path
    registry = write_oci_layout([APP], tmp_path / "oci")
    report = repack(root, tmp_path / "out", to="oci", bases=[str(registry)])
    assert str(report.images[0].manifest_after) == APP.manifest_digest()


def test_what_it_was_pulled_by_is_no_name(tmp_path: Path) -> None:
    """It is told beside them, as podman does: each digest of it in each of its repositories."""
    index = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE["oci"], "manifests": []})
    root = write_containers_root(
        [APP],
        tmp_path / "storage",
        names={APP.config_digest: ["quay.io/x@sha256:" + "ab" * 32]},
        more={APP.config_digest: {f"manifest-{sha256(index)}": index}},
    )
    assert_holds(root.path, APP)
    known = (
        *(f"app@{digest}" for digest in (APP.manifest_digest(), sha256(index))),
        *(f"host:5000/team/app@{digest}" for digest in (APP.manifest_digest(), sha256(index))),
        "quay.io/x@sha256:" + "ab" * 32,
    )
    node: Any = inspect(root.path).roots[0].node
    assert node.pulled_as == known
    report = repack(root.path, tmp_path / "out", to="oci")
    assert report.images[0].pulled_as == known


def test_a_name_of_two_images_is_that_of_the_later_one(tmp_path: Path) -> None:
    """As podman itself takes it."""
    again = {OTHER.config_digest: ["docker.io/library/app:1"]}
    root = write_containers_root([APP, OTHER], tmp_path, names=again)
    ((code, _, _),) = found(root.path)
    assert code == "name-conflict"
    images = held(root.path)
    assert sorted(images) == [("app:1", "other:1"), ("host:5000/team/app:2",)]
    assert str(images["app:1", "other:1"][0].config.digest) == OTHER.config_digest


def test_a_list_of_images(tmp_path: Path) -> None:
    """podman manifest create: an index whose images are images of the store, or absent."""
    root = write_containers_root([APP, NAMELESS], tmp_path)
    gone = {**OTHER.descriptor(), "platform": {"os": "linux", "architecture": "s390x"}}
    index = go_json(
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE["oci"],
            "manifests": [{**APP.descriptor(), "platform": APP.platform}, gone],
        }
    )
    identity = "ab" * 32
    folder = root.images / identity
    folder.mkdir()
    (folder / "manifest").write_bytes(index)
    (folder / "instances.json").write_bytes(b"{}")
    listed = {
        "id": identity,
        "names": ["localhost/list:1"],
        "big-data-names": ["manifest", "instances.json"],
        "big-data-digests": {"manifest": sha256(index)},
    }
    root.list_images(lambda images: images.append(listed))
    with opened(root.path) as source:
        (named,) = [each for each in source.roots if "localhost/list:1" in map(str, each.names)]
        assert isinstance(named.node, ImageIndex)
        there, _ = named.node.children
        assert str(there.config.digest) == APP.config_digest  # type: ignore[union-attr]
        assert all(layer.member for layer in there.layers)  # type: ignore[union-attr]


def test_what_it_was_pulled_from_is_no_image_of_its_own(tmp_path: Path) -> None:
    """Of an index podman keeps the document, and the one image that it took."""
    index = go_json({"schemaVersion": 2, "mediaType": INDEX_TYPE["oci"], "manifests": []})
    more = {APP.config_digest: {f"manifest-{sha256(index)}": index}}
    root = write_containers_root([APP], tmp_path, more=more)
    assert_holds(root.path, APP)


def test_signatures_are_told_and_not_carried(tmp_path: Path) -> None:
    key = f"signature-{hex_of(APP.manifest_digest())}"
    root = write_containers_root([APP], tmp_path, more={APP.config_digest: {key: b"signed"}})
    ((code, _, message),) = found(root.path)
    assert code == "store-signature"
    assert message.startswith("1 image signed")


def test_a_layer_in_an_additional_store(tmp_path: Path) -> None:
    """It is looked for where its root is named with --base; else it is said where it may be."""
    root = write_containers_root([APP], tmp_path / "storage")
    more = write_containers_root([OTHER], tmp_path / "more")
    (base, _) = layer_ids(APP)
    root.list_layers(lambda layers: layers.__setitem__(slice(None), layers[1:]))
    shutil.rmtree(root.files(APP))
    root.record(APP).unlink()
    assert layer_ids(OTHER)[0] == base
    codes = {each[0] for each in found(root.path)}
    assert codes == {"other-store", "missing-blob"}
    report = repack(root.path, tmp_path / "out.tar", to="docker", bases=[str(more.path)])
    assert not report.warnings
    assert not found(tmp_path / "out.tar")
    assert not [
        each for each in found(root.path, bases=[str(more.path)]) if each[0] == "other-store"
    ]


def test_layers_that_a_container_has_are_no_image(tmp_path: Path) -> None:
    """volatile-layers.json lists those, and may list those of an image."""
    root = write_containers_root([APP], tmp_path)
    layers = json.loads((root.layers / "layers.json").read_text())
    (root.layers / "layers.json").write_text(json.dumps(layers[:1]))
    (root.layers / "volatile-layers.json").write_text(json.dumps([*layers[1:], layers[0]]))
    assert_holds(root.path, APP)


Edit = Callable[[Listed], object]


def flag(**flags: Any) -> Edit:
    return lambda layers: layers[0].update(flags=flags)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (flag(incomplete=True), "is marked as incomplete"),
        (lambda layers: layers[0].update(parent=layers[0]["id"]), "is below itself"),
    ],
)
def test_layers_that_are_not_whole(edit: Edit, told: str, tmp_path: Path) -> None:
    root = alone(tmp_path)
    root.list_layers(edit)
    code, member, message = found(root.path)[0]
    assert (code, member) == ("layer-record", f"overlay-layers/{layer_ids(ALONE)[0]}")
    assert told in message


def test_a_layer_that_came_in_parts(tmp_path: Path) -> None:
    """zstd:chunked: known by its table of contents; without a record nobody puts it together."""
    root = alone(tmp_path)

    def parts(layers: Listed) -> None:
        del layers[0]["diff-digest"]
        flags = {"expected-layer-diffid": ALONE.diff_ids[0]}
        layers[0].update({"toc-digest": ALONE.diff_ids[0], "flags": flags})

    root.list_layers(parts)
    assert_holds(root.path, ALONE)
    root.record(ALONE).unlink()
    codes = found(root.path)
    assert [each[0] for each in codes] == ["layer-record", "missing-blob"]
    assert "zstd:chunked" in codes[0][2]


def test_a_layer_kept_as_composefs(tmp_path: Path) -> None:
    root = alone(tmp_path)
    blob = root.files(ALONE).parent / "composefs-data/composefs.blob"
    blob.parent.mkdir()
    blob.write_bytes(b"")
    assert "composefs" in found(root.path)[0][2]


def test_the_same_layer_on_another_one_serves_as_well(tmp_path: Path) -> None:
    """Where the image's own is damaged; podman itself takes any of a diff_id."""
    first, second = make_image([BASE]).layers[0], make_image([{"x": b"y"}]).layers[0]
    images = [image_of([first, second], "one:1"), image_of([second], "two:1")]
    root = write_containers_root(images, tmp_path)
    root.record(images[0], 1).unlink()
    assert not found(root.path)
    assert_holds(root.path, *images)


def image_of(layers: Sequence[Layer], name: str) -> Image:
    config = {
        **make_image().config,
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
        "history": [],
    }
    return Image(layers=tuple(layers), config=config, names=(name,))


def test_changed_files_are_named(tmp_path: Path) -> None:
    """Every one of them, with what it is; the image is not sound, and no result appears."""
    root = alone(tmp_path)
    files = root.files(ALONE)
    (files / "etc/motd").write_bytes(b"HELLO\n")
    (files / "etc/x").write_bytes(b"y")
    report = verify(root.path)
    told = [each for each in report.findings if each.code == "changed-file"]
    assert [each.message.split("'")[1] for each in told] == ["etc/motd", "etc/x"]
    assert not report.images[0].sound
    with pytest.raises(Exception, match="'etc/motd' has other bytes"):
        repack(root.path, tmp_path / "x.tar", to="docker")
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize("key", ["manifest", "config"])
def test_a_document_that_rots(key: str, tmp_path: Path) -> None:
    root = alone(tmp_path)
    path = root.data(ALONE, ALONE.config_digest if key == "config" else key)
    path.write_bytes(path.read_bytes() + b" ")
    assert "digest-mismatch" in {each[0] for each in found(root.path)}


def test_an_image_without_a_manifest(tmp_path: Path) -> None:
    """The one under its digest is as good; without either there is none."""
    root = alone(tmp_path)
    root.data(ALONE, "manifest").unlink()
    assert_holds(root.path, ALONE)
    root.data(ALONE, f"manifest-{ALONE.manifest_digest()}").unlink()
    assert {each[0] for each in found(root.path)} == {"missing-member"}


def test_old_lists_state_no_digests(tmp_path: Path) -> None:
    root = alone(tmp_path)

    def old(images: Listed) -> None:
        for key in ("digest", "big-data-digests", "big-data-sizes"):
            del images[0][key]

    root.list_images(old)
    assert_holds(root.path, ALONE)


def test_files_are_called_as_the_engine_calls_them() -> None:
    """Base64 behind an equals sign, where a name is not of small letters, digits and dots."""
    assert data_file("instances.json") == "instances.json"
    assert data_file("sha256:ab") == "=c2hhMjU2OmFi"


def test_damage_elsewhere_does_not_concern_a_choice(tmp_path: Path) -> None:
    """It is a warning then; what was chosen is whole."""
    root = write_containers_root([APP, ALONE], tmp_path / "storage")
    root.record(ALONE).unlink()
    root.data(ALONE, "manifest").write_bytes(b"{}")
    report = repack(root.path, tmp_path / "out", to="oci", images=["app:1"])
    assert [str(image.image_id_after) for image in report.images] == [APP.config_digest]
    with pytest.raises(LayoutError):
        repack(root.path, tmp_path / "none", to="oci", images=["a:1"])


def test_a_driver_without_files(tmp_path: Path) -> None:
    root = alone(tmp_path)
    for folder in (root.images, root.layers):
        folder.rename(folder.with_name(folder.name.replace("overlay", "zfs")))
    codes = found(root.path)
    assert codes[0][0] == "layer-record"
    assert "'zfs'" in codes[0][2]


def test_too_many_layers_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_containers_root([APP, OTHER], tmp_path)
    monkeypatch.setattr(limits, "NODES", 3)
    assert "index-depth" in {each.code for each in collected(root.path).errors}


class Moving:
    """An engine that replaces a list each time that somebody has looked at it."""

    def __init__(self, path: Path, times: int) -> None:
        self.path, self.times = path, times

    def __call__(self) -> None:
        if self.times:
            self.times -= 1
            data = self.path.read_bytes()
            self.path.with_suffix(".new").write_bytes(data)
            self.path.with_suffix(".new").rename(self.path)


@pytest.mark.parametrize("times", [1, 3, 1000])
def test_lists_that_are_replaced_meanwhile(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of one moment are read, or it is said that there is none."""
    root = alone(tmp_path)
    moving = Moving(root.layers / "layers.json", times)
    find = RootedStore.find

    def moved(self: RootedStore, name: str) -> Any:
        found = find(self, name)
        if name.endswith("images.json"):
            moving()
        return found

    monkeypatch.setattr(RootedStore, "find", moved)
    monkeypatch.setattr("oci_layout.source.kinds.containersstore._PAUSE", 0)
    if times < 10:
        assert_holds(root.path, ALONE)
    else:
        with pytest.raises(ChangedError):
            held(root.path)


def test_what_vanishes_meanwhile(tmp_path: Path) -> None:
    """A running engine removes an image after it was found: one clear error, no half result."""
    root = alone(tmp_path)
    with opened(root.path) as source:
        (layer,) = source.roots[0].node.layers  # type: ignore[union-attr]
        shutil.rmtree(root.files(ALONE))
        with pytest.raises(Exception, match="the folder of its files is not there"):
            layer.member.read(1 << 20)  # type: ignore[union-attr]


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder for a user who may not read everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("name", ["", "overlay-images", "overlay-layers", "overlay"])
def test_what_may_not_be_read(name: str, nobody: Path) -> None:
    """The error says whose it is, and who may read it."""
    root = alone(nobody)
    me = os.geteuid()
    (root.path / name).chmod(0o700 if me == 0 else 0)
    if me == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ReadError, match="Permission denied") as caught:
            held(root.path)
    finally:
        if me == 0:
            os.seteuid(0)
        (root.path / name).chmod(0o755)
    assert "read it as root" in caught.value.hint
    assert caught.value.where.file.startswith(str(root.path / name).rstrip("/"))


def test_no_image_at_all(tmp_path: Path) -> None:
    root = write_containers_root([], tmp_path)
    assert [each.code for each in collected(root.path).warnings] == ["empty"]


def test_files_of_layers_are_not_listed(tmp_path: Path) -> None:
    root = write_containers_root([APP], tmp_path)
    with opened(root.path) as source:
        assert all(name.startswith("overlay-images/") for name in source.store.names())


def test_as_a_base(tmp_path: Path) -> None:
    """What a thin archive lacks is taken from it."""
    root = write_containers_root([APP], tmp_path / "storage").path
    whole = write_oci_layout([APP, OTHER], tmp_path / "oci")
    repack(whole, tmp_path / "thin.tar", to="docker", have=[str(root)])
    report = verify(tmp_path / "thin.tar", bases=[str(root)])
    assert not [each for each in report.findings if each.severity is Severity.ERROR]


def test_no_flipped_byte_goes_by(tmp_path: Path) -> None:
    """Of what a root is made of: each ends in a finding, or in the very same image."""
    root = alone(tmp_path)
    files = [path for path in root.path.rglob("*") if path.is_file()]
    seen = 0
    for path in files:
        data = path.read_bytes()
        for at in range(0, len(data), 1 + len(data) // 16):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x21]) + data[at + 1 :])
            try:
                report = verify(root.path, jobs=1)
            except LayoutError:
                seen += 1
                continue
            ids = [str(each.image_id) for each in report.images if each.sound]
            assert ids == [ALONE.config_digest] or report.findings, (path, at)
            seen += 1
        path.write_bytes(data)
    assert seen > 80
    assert_holds(root.path, ALONE)


def test_damage_is_told_once(tmp_path: Path) -> None:
    """However many images have the layer, and layers of the store are the same."""
    one, two = make_image([BASE]).layers[0], make_image([{"x": b"y"}]).layers[0]
    images = [image_of([two, one], "one:1"), image_of([one], "two:1"), image_of([one, two], "c:1")]
    root = write_containers_root(images, tmp_path)
    for path in root.layers.glob("*.tar-split.gz"):
        path.write_bytes(b"")
    told = [each for each in collected(root.path).errors if each.code == "layer-record"]
    assert len(told) == 2


def test_what_it_was_pulled_as_is_told_of_a_few(tmp_path: Path) -> None:
    """The product of names and digests has a bound."""
    more = {f"manifest-sha256:{number:064x}": b"{}" for number in range(300)}
    names = [f"quay.io/x{number}:1" for number in range(300)]
    root = write_containers_root(
        [ALONE], tmp_path, names={ALONE.config_digest: names}, more={ALONE.config_digest: more}
    )
    node: Any = inspect(root.path).roots[0].node
    assert len(node.pulled_as) == 100
