"""Platforms: the text of one, and which images run where, as containerd decides it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.platform import Platform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("Linux/ARM64", Platform("linux", "arm64")),
        ("linux/ARM/V6", Platform("linux", "arm", "v6")),
        ("windows/amd64", Platform("windows", "amd64")),
        (
            "windows(10.0.17763.5)/amd64",
            Platform("windows", "amd64", os_version="10.0.17763.5"),
        ),
        ("unknown/unknown", Platform("unknown", "unknown")),
    ],
)
def test_parse(text: str, expected: Platform) -> None:
    assert Platform.parse(text) == expected
    assert Platform.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "linux", "linux/", "/amd64", "linux//v7", "a/b/c/d", "linux/am d64", "linux/amd64/", "*"],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a platform"):
        Platform.parse(text)


SAME = [
    ("linux/arm64", "linux/arm64/v8"),
    ("linux/aarch64", "linux/arm64"),
    ("linux/arm", "linux/arm/v7"),
    ("linux/arm/7", "linux/arm/v7"),
    ("linux/armhf", "linux/arm/v7"),
    ("linux/armel", "linux/arm/v6"),
    ("linux/x86_64", "linux/amd64"),
    ("linux/x86-64", "linux/amd64"),
    ("linux/amd64/v1", "linux/amd64"),
    ("linux/i386", "linux/386"),
    ("macos/arm64", "darwin/arm64"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_platform(one: str, other: str) -> None:
    assert Platform.parse(one).matches(Platform.parse(other))
    assert Platform.parse(other).matches(Platform.parse(one))
    assert Platform.parse(one).normalised() == Platform.parse(other).normalised()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linux/amd64", "linux/arm64"),
        ("linux/amd64", "windows/amd64"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("linux/amd64/v2", "linux/amd64"),
        ("linux/386", "linux/amd64"),
    ],
)
def test_two_platforms(one: str, other: str) -> None:
    assert not Platform.parse(one).matches(Platform.parse(other))


@pytest.mark.parametrize(
    ("host", "images"),
    [
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v5", ["linux/arm/v5"]),
        ("linux/amd64", ["linux/amd64"]),
        ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]),
        ("linux/arm64", ["linux/arm64"]),
        ("linux/arm64/v8", ["linux/arm64"]),
        ("linux/riscv64", ["linux/riscv64"]),
    ],
)
def test_what_runs_where_best_first(host: str, images: list[str]) -> None:
    runs = Platform.parse(host).runs()
    expected = [Platform.parse(image) for image in images]
    assert len(runs) == len(expected)
    for choice, image in zip(runs, expected, strict=True):
        assert image.matches(choice)


@pytest.mark.parametrize(
    ("image", "wanted", "fits"),
    [
        ("10.0.17763.5830", "10.0.17763", True),
        ("10.0.17763.5830", "10.0.17763.1", True),
        ("10.0.17763.5830", "10.0.20348", False),
        ("10.0.17763.5830", "", True),
        ("", "10.0.17763", False),
    ],
)
def test_windows_builds_must_agree(image: str, wanted: str, fits: bool) -> None:
    mine = Platform("windows", "amd64", os_version=image)
    assert mine.matches(Platform("windows", "amd64", os_version=wanted)) == fits


def test_unknown_marks_attestations() -> None:
    assert Platform.parse("unknown/unknown").unknown
    assert not Platform.parse("linux/unknown").unknown


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_.-", min_size=1, max_size=12)


@given(NAMES, NAMES, NAMES | st.just(""))
def test_normalising_twice_changes_nothing(os: str, architecture: str, variant: str) -> None:
    platform = Platform(os, architecture, variant)
    once = platform.normalised()
    assert once.normalised() == once
    assert platform.matches(platform)
    assert any(platform.matches(choice) for choice in platform.runs())
    assert Platform.parse(str(platform)) == platform
