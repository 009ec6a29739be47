"""Names by rule: each rule does what it says, and no name goes in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

import oci_layout
from oci_layout.errors import LayoutError, NotAnImageError, ReadError, SelectionError, UsageError
from tests import independent
from tests.builders import Image, full_name, make_image, write_docker_archive, write_oci_layout
from tests.command import layout

HERE = ("app:1", "app:2", "quay.io/team/app:1", "quay.io/base:9", "registry.lan:5000/x/y:z")
IMAGES = [make_image([{"n": bytes([n])}], names=(name,)) for n, name in enumerate(HERE)]
ID = {image.names[0]: image.config_digest for image in IMAGES}
HEX = ID["app:2"].removeprefix("sha256:")

# Rules, and what becomes of the names that they touch.
CASES: list[tuple[list[str], dict[str, list[str]]]] = [
    (["app:1=app:one"], {"app:1": ["app:one"]}),
    (["docker.io/library/app:1=app:one"], {"app:1": ["app:one"]}),
    (["app:1=+app:one"], {"app:1": ["app:1", "app:one"]}),
    (["app:1=app:one", "app:1=app:uno"], {"app:1": ["app:one", "app:uno"]}),
    (["app:1=+app:one", "app:1=+app:uno"], {"app:1": ["app:1", "app:one", "app:uno"]}),
    (["app:1=app:one", "app:1=+app:uno"], {"app:1": ["app:one", "app:uno"]}),
    (["app:1=+app:1"], {}),
    (["app:1=app:1"], {}),
    (["app:1=app:2", "app:2=app:1"], {"app:1": ["app:2"], "app:2": ["app:1"]}),
    (["app:1=app:2", "app:2=app:3"], {"app:1": ["app:2"], "app:2": ["app:3"]}),
    ([f"{ID['app:2']}=id:2"], {"app:2": ["id:2"]}),
    ([f"{HEX[:12]}=id:2"], {"app:2": ["id:2"]}),
    ([f"{HEX[:12]}=+id:2"], {"app:2": ["app:2", "id:2"]}),
    ([f"{HEX[:12]}=id:2", "app:2=app:two"], {"app:2": ["app:two", "id:2"]}),
    (
        ["quay.io/=registry.lan/mirror/"],
        {
            "quay.io/team/app:1": ["registry.lan/mirror/team/app:1"],
            "quay.io/base:9": ["registry.lan/mirror/base:9"],
        },
    ),
    (
        ["quay.io/=registry.lan/q/", "quay.io/team/=registry.lan/t/"],
        {
            "quay.io/team/app:1": ["registry.lan/t/app:1"],
            "quay.io/base:9": ["registry.lan/q/base:9"],
        },
    ),
    (
        ["quay.io/=registry.lan/q/", "quay.io/base:9=base:nine"],
        {"quay.io/team/app:1": ["registry.lan/q/team/app:1"], "quay.io/base:9": ["base:nine"]},
    ),
    (
        ["quay.io/=+registry.lan/q/"],
        {
            "quay.io/team/app:1": ["quay.io/team/app:1", "registry.lan/q/team/app:1"],
            "quay.io/base:9": ["quay.io/base:9", "registry.lan/q/base:9"],
        },
    ),
    (
        ["quay.io/team/=a.lan/", "quay.io/team/=b.lan/deep/"],
        {"quay.io/team/app:1": ["a.lan/app:1", "b.lan/deep/app:1"]},
    ),
    (
        ["docker.io/=registry.lan/hub/"],
        {"app:1": ["registry.lan/hub/library/app:1"], "app:2": ["registry.lan/hub/library/app:2"]},
    ),
    (
        ["docker.io/library/=registry.lan/hub/"],
        {"app:1": ["registry.lan/hub/app:1"], "app:2": ["registry.lan/hub/app:2"]},
    ),
    (
        ["library/=registry.lan/hub/"],
        {"app:1": ["registry.lan/hub/app:1"], "app:2": ["registry.lan/hub/app:2"]},
    ),
    (["registry.lan:5000/=docker.io/"], {"registry.lan:5000/x/y:z": ["x/y:z"]}),
    (["registry.lan:5000/x/=docker.io/"], {"registry.lan:5000/x/y:z": ["y:z"]}),
    (["registry.lan:5000/x/=mirror/"], {"registry.lan:5000/x/y:z": ["mirror/y:z"]}),
    (["registry.lan:5000/x/=registry.lan:5001/x/"], {HERE[4]: ["registry.lan:5001/x/y:z"]}),
    (
        ["quay.io/team/=quay.io/", "quay.io/=quay.io/team/"],
        {"quay.io/team/app:1": ["quay.io/app:1"], "quay.io/base:9": ["quay.io/team/base:9"]},
    ),
]
# Rules that are refused: how, and what the message has.
REFUSED: list[tuple[list[str], type[LayoutError], str]] = [
    (["gone:1=x:1"], SelectionError, "there is no image 'gone:1'"),
    (["ap:1=x:1"], SelectionError, "did you mean app:1"),
    (["gone:1=x:1", "away:1=x:2"], SelectionError, "'gone:1', 'away:1'"),
    (["ghcr.io/=x.lan/"], SelectionError, "no name begins with 'ghcr.io/'.*quay.io/base:9"),
    (["quay.io/tea/=x.lan/"], SelectionError, "no name begins with"),
    (["quay.io=x.lan/mirror"], SelectionError, "quay.io/=NEW/ is for all below it"),
    (["app:1=app:2"], SelectionError, "app:2"),
    (["app:1=+app:2"], SelectionError, "app:2"),
    (["quay.io/=registry.lan:5000/x/", "app:1=registry.lan:5000/x/base:9"], SelectionError, "base"),
    (["new:1"], SelectionError, "names a single image"),
    (["quay.io/=registry.lan"], UsageError, "'registry.lan' does not end with '/'"),
    (["quay.io/base:9=registry.lan/"], UsageError, "does not end with '/'"),
    (["quay.io/=UPPER.lan/Team/"], UsageError, "not the beginning of a name"),
    (["quay.io/=x.lan/" + "y" * 243 + "/"], UsageError, "longer than 255"),
    (["=new:1"], UsageError, "no old name"),
    (["app:1="], UsageError, "not an image name"),
    (["app:1=Upper:1"], UsageError, "lower case"),
    ([f"app:1=sha256:{HEX}"], UsageError, "is a digest"),
    (["a:1", "b:1"], UsageError, "once"),
    (["a:1", "app:1=b:1"], UsageError, "not both"),
]


def names_of(path: Path) -> dict[str, set[str]]:
    """The full names of each image of a layout, by image ID."""
    found = independent.check(path)
    names: dict[str, set[str]] = {}
    for entry in found.index["manifests"]:
        config = found.manifests[entry["digest"]]["config"]["digest"]
        names.setdefault(config, set()).add(entry["annotations"][independent.NAME])
    return names


def expected(changed: dict[str, list[str]]) -> dict[str, set[str]]:
    """All names, by image ID."""
    return {ID[name]: {full_name(each) for each in changed.get(name, [name])} for name in HERE}


def sources(tmp_path: Path) -> list[Path]:
    """The images in two sources of two kinds."""
    return [
        write_docker_archive(IMAGES[:3], tmp_path / "one.tar"),
        write_oci_layout(IMAGES[2:], tmp_path / "two"),
    ]


@pytest.mark.parametrize(("rules", "changed"), CASES, ids=lambda each: str(each)[:60])
def test_rules_do_what_they_say(
    rules: list[str], changed: dict[str, list[str]], tmp_path: Path
) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    oci_layout.repack(source, tmp_path / "repacked", to="oci", names=rules)
    assert names_of(tmp_path / "repacked") == expected(changed)
    oci_layout.merge(sources(tmp_path), tmp_path / "merged", names=rules)
    assert names_of(tmp_path / "merged") == expected(changed)
    oci_layout.edit(source, tmp_path / "edited.tar", names=rules)
    assert names_of(tmp_path / "edited.tar") == expected(changed)
    (tmp_path / "rules").write_text("# the mirror\n\n" + "\n".join(f"  {each} " for each in rules))
    oci_layout.repack(source, tmp_path / "filed", to="oci", name_files=[tmp_path / "rules"])
    assert names_of(tmp_path / "filed") == expected(changed)


@pytest.mark.parametrize(("rules", "kind", "message"), REFUSED, ids=lambda each: str(each)[:60])
def test_what_cannot_be_is_refused(
    rules: list[str], kind: type[LayoutError], message: str, tmp_path: Path
) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    with pytest.raises(kind, match=message):
        oci_layout.repack(source, tmp_path / "out", to="oci", names=rules)
    with pytest.raises(kind, match=message):
        oci_layout.merge(sources(tmp_path), tmp_path / "out", names=rules)
    with pytest.raises(kind, match=message):
        oci_layout.edit(source, tmp_path / "out", names=rules)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rules", "names", "told"),
    [
        (["new:1"], {"new:1"}, ["a:1", "b:1"]),
        (["+new:1"], {"a:1", "b:1", "new:1"}, []),
        (["new:1", "+b:1"], {"new:1", "b:1"}, ["a:1"]),
        (["+new:1", "+new:2"], {"a:1", "b:1", "new:1", "new:2"}, []),
        (["DIGEST=new:1"], {"new:1"}, ["a:1", "b:1"]),
        (["DIGEST=+new:1"], {"a:1", "b:1", "new:1"}, []),
        (["DIGEST=new:1", "a:1=+c:1"], {"new:1", "a:1", "c:1"}, []),
        (["a:1=new:1"], {"new:1", "b:1"}, []),
    ],
)
def test_names_that_no_rule_names_are_told_of(
    rules: list[str], names: set[str], told: list[str], tmp_path: Path
) -> None:
    image = make_image(names=("a:1", "b:1"))
    source = write_docker_archive([image], tmp_path / "in.tar")
    asked = [rule.replace("DIGEST", image.config_digest) for rule in rules]
    report = oci_layout.repack(source, tmp_path / "out", to="oci", names=asked)
    assert names_of(tmp_path / "out") == {image.config_digest: {full_name(each) for each in names}}
    said = " ".join(map(str, report.changes))
    assert all(name in said for name in told), said
    assert bool(said) == bool(told)


def test_a_rule_ends_a_conflict_of_merge(tmp_path: Path) -> None:
    """And the one who keeps a name, as asked, keeps it under its new name."""
    one, two = (make_image([{"n": text}], names=("app:1",)) for text in (b"1", b"2"))
    paths = [
        write_docker_archive([one], tmp_path / "1.tar"),
        write_docker_archive([two], tmp_path / "2.tar"),
    ]
    rule = f"{two.config_digest}=app:2"
    oci_layout.merge(paths, tmp_path / "both", names=[rule])
    assert names_of(tmp_path / "both") == {
        one.config_digest: {full_name("app:1")},
        two.config_digest: {full_name("app:2")},
    }
    with pytest.raises(SelectionError, match=r"registry.lan/app:1 names two"):
        oci_layout.merge(paths, tmp_path / "none", names=["library/=registry.lan/"])
    oci_layout.merge(paths, tmp_path / "last", names=["library/=registry.lan/"], on_conflict="last")
    assert names_of(tmp_path / "last") == {two.config_digest: {"registry.lan/app:1"}}


def test_what_is_not_taken_is_no_conflict(tmp_path: Path) -> None:
    first = [make_image([{"n": b"1"}], names=("app:1",)), make_image([{"m": b""}], names=("b:1",))]
    second = [make_image([{"n": b"2"}], names=("app:1",))]
    paths = [
        write_docker_archive(first, tmp_path / "1.tar"),
        write_docker_archive(second, tmp_path / "2.tar"),
    ]
    oci_layout.merge(paths, tmp_path / "out", images=["b:1"])
    assert names_of(tmp_path / "out") == {first[1].config_digest: {full_name("b:1")}}


def test_rules_hold_where_a_layout_is_added_to(tmp_path: Path) -> None:
    write_oci_layout(IMAGES[:1], tmp_path / "there")
    source = write_docker_archive(IMAGES[1:], tmp_path / "in.tar")
    rules = ["quay.io/=app.lan/", "app:2=+app:two"]
    oci_layout.repack(source, tmp_path / "there", to="oci", append=True, names=rules)
    assert names_of(tmp_path / "there") == expected(
        {
            "quay.io/team/app:1": ["app.lan/team/app:1"],
            "quay.io/base:9": ["app.lan/base:9"],
            "app:2": ["app:2", "app:two"],
        }
    )
    with pytest.raises(SelectionError, match="app:1"):
        oci_layout.repack(source, tmp_path / "there", to="oci", append=True, names=["app:2=app:1"])


def test_rules_name_repositories_of_a_registry_and_images_of_volumes(tmp_path: Path) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    rules = ["quay.io/=a.lan/mirror/"]
    oci_layout.repack(source, tmp_path / "registry", to="registry", names=rules)
    repositories = tmp_path / "registry/docker/registry/v2/repositories"
    assert (repositories / "mirror/team/app/_manifests/tags/1/current/link").exists()
    report = oci_layout.repack(
        source, tmp_path / "v.tar", to="docker", names=rules, volume_size="64K"
    )
    told = {name for image in report.images for name in image.names}
    assert {"a.lan/mirror/team/app:1", "a.lan/mirror/base:9", "app:1"} <= told
    assert not any(name.startswith("quay.io") for name in told)


def images_with(*names: tuple[str, ...]) -> list[Image]:
    """An image for each set of names."""
    return [make_image([{"n": bytes([n])}], names=each) for n, each in enumerate(names)]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (b"app:1=b:1\nnonsense=\n", UsageError, "line 2"),
        (b"\xff\n", UsageError, "not UTF-8 at byte 0"),
        (b"only:1\napp:1=b:1\n", UsageError, "not both"),
        (None, ReadError, "No such file"),
    ],
)
def test_a_file_of_no_rules_is_refused(
    text: bytes | None, kind: type[LayoutError], message: str, tmp_path: Path
) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    if text is not None:
        (tmp_path / "rules").write_bytes(text)
    with pytest.raises(kind, match=message):
        oci_layout.repack(source, tmp_path / "out", to="oci", name_files=tmp_path / "rules")


def test_a_file_of_rules_is_a_bounded_regular_file_and_no_destination(tmp_path: Path) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    with pytest.raises(NotAnImageError, match="not a regular file"):
        oci_layout.repack(source, tmp_path / "out", to="oci", name_files="/dev/zero")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(21 << 20)
    with pytest.raises(UsageError, match="at most"):
        oci_layout.repack(source, tmp_path / "out", to="oci", name_files=tmp_path / "large")
    rules = tmp_path / "rules.tar"
    rules.write_text("app:1=b:1")
    with pytest.raises(LayoutError, match="is the source itself"):
        oci_layout.repack(source, rules, to="oci", name_files=rules, force=True)


def test_many_rules_take_linear_time(tmp_path: Path) -> None:
    """Ten thousand rules on a hundred names: a product would be told by a suite that stands."""
    images = images_with(*((f"q.io/a/b/c/n{n}:1",) for n in range(100)))
    source = write_docker_archive(images, tmp_path / "in.tar")
    rules = [f"q.io/a/b/c/n{n % 100}:1=+r.lan/n{n % 100}:{n}" for n in range(10_000)]
    (tmp_path / "rules").write_text("\n".join(rules))
    done = layout(
        *("repack", source, "--to", "oci", "-o", tmp_path / "out", "-q"),
        *("--names", tmp_path / "rules"),
    )
    assert done.returncode == 0, done.stderr
    assert sum(map(len, names_of(tmp_path / "out").values())) == 10_100
