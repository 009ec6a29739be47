"""Image names: familiar, full, bare; as Docker's own parser reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.reference import ImageName, InvalidReferenceError, Reference

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("demo", "docker.io/library/demo:latest", "demo:latest"),
        ("demo:1", "docker.io/library/demo:1", "demo:1"),
        ("library/demo:1", "docker.io/library/demo:1", "demo:1"),
        ("docker.io/demo:1", "docker.io/library/demo:1", "demo:1"),
        ("docker.io/library/demo:1", "docker.io/library/demo:1", "demo:1"),
        ("index.docker.io/library/demo:1", "docker.io/library/demo:1", "demo:1"),
        ("team/app:v1", "docker.io/team/app:v1", "team/app:v1"),
        ("localhost/app:v1", "localhost/app:v1", "localhost/app:v1"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
        ("host:5000/team/app:v1", "host:5000/team/app:v1", "host:5000/team/app:v1"),
        ("ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1", "[::1]:5000/app:1"),
        ("Host/app:1", "Host/app:1", "Host/app:1"),
        ("a__b/c-d.e:T_a.g-1", "docker.io/a__b/c-d.e:T_a.g-1", "a__b/c-d.e:T_a.g-1"),
        (
            f"demo@sha256:{HEX}",
            f"docker.io/library/demo@sha256:{HEX}",
            f"demo@sha256:{HEX}",
        ),
        (
            f"demo:1@sha256:{HEX}",
            f"docker.io/library/demo:1@sha256:{HEX}",
            f"demo:1@sha256:{HEX}",
        ),
    ],
)
def test_familiar_and_full(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert str(reference) == full
    assert reference.familiar == familiar
    assert Reference.parse(full) == reference
    assert Reference.parse(familiar) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "demo:",
        "Demo:1",
        "docker.io/Team/app",
        "team/App:1",
        "demo:-x",
        "demo:a b",
        "demo:" + "t" * 129,
        "-demo",
        "demo-",
        "a..b",
        "a___b",
        "a//b",
        "/a",
        "a/",
        "../a",
        "ex ample/a",
        "demo@",
        "demo@sha256:abc",
        f"demo@{HEX}",
        "demo\n",
        "demo:1\n",
        "d\u00e9mo:1",
        "demo\x1b[31m:1",
        "host.io:port/app",
        "a/" + "b" * 260,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        Reference.parse(text)


def test_upper_case_is_named_as_the_reason() -> None:
    with pytest.raises(InvalidReferenceError, match="lower case"):
        Reference.parse("docker.io/Team/app:1")


def test_a_name_without_a_tag_can_stay_so() -> None:
    assert str(Reference.parse("demo", default_tag="")) == "docker.io/library/demo"


@pytest.mark.parametrize("text", ["1", "latest", "tiny", "v1.2-rc_1"])
def test_a_bare_tag_has_no_repository(text: str) -> None:
    name = ImageName.from_ref_name(text)
    assert name.reference is None
    assert (name.tag, name.key, str(name)) == (text, text, text)


@pytest.mark.parametrize("text", ["docker.io/library/demo:1", "demo:1", "library/demo:1"])
def test_a_ref_name_may_be_a_whole_name(text: str) -> None:
    name = ImageName.from_ref_name(text)
    assert name.key == "docker.io/library/demo:1"
    assert name.tag == "1"
    assert str(name) == "demo:1"


@pytest.mark.parametrize("text", ["Upper/Case:1", "a b/c", "oci:dir:x", "\x1b[2J/x"])
def test_a_ref_name_that_is_no_name_stays_a_text(text: str) -> None:
    name = ImageName.from_ref_name(text)
    assert (name.reference, name.text) == (None, text)


COMPONENT = st.from_regex(r"\A[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?\Z")
TAG = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")
HOST = st.sampled_from(["", "docker.io/", "localhost/", "reg.example:5000/", "10.0.0.1:80/"])


@given(HOST, st.lists(COMPONENT, min_size=1, max_size=3), TAG)
def test_every_name_comes_back_from_both_its_forms(
    host: str, components: list[str], tag: str
) -> None:
    text = f"{host}{'/'.join(components)}:{tag}"
    reference = Reference.parse(text)
    assert reference.tag == tag
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReferenceError:
        return
    assert Reference.parse(str(reference)) == reference
    assert str(reference).isprintable()
