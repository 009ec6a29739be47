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
    ("linux/arm64/8", "linux/arm64"),
    ("linux/arm64/v8.0", "linux/arm64"),
    ("linux/arm64/v9.0", "linux/arm64/v9"),
    ("linux/i386/x", "linux/386"),
    ("linux/armhf/v6", "linux/arm/v7"),
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
        ("linux/arm/v8", ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v4", ["linux/arm/v4"]),
        (
            "linux/amd64/v4",
            ["linux/amd64/v4", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64/v1"],
        ),
        ("linux/arm64/v8.2", ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64/v8"]),
        (
            "linux/arm64/v9.1",
            [
                *("linux/arm64/v9.1", "linux/arm64/v9"),
                *(f"linux/arm64/v8.{minor}" for minor in range(6, 0, -1)),
                "linux/arm64",
            ],
        ),
        (
            "linux/arm64/v9.7",  # Armv8 ended at 8.9
            [
                *(f"linux/arm64/v9.{minor}" for minor in range(7, -1, -1)),
                *(f"linux/arm64/v8.{minor}" for minor in range(9, -1, -1)),
            ],
        ),
        ("linux/386", ["linux/386"]),
        ("linux/amd64/rocket", ["linux/amd64/rocket"]),
    ],
)
def test_what_runs_where_best_first(host: str, images: list[str]) -> None:
    runs = Platform.parse(host).runs()
    expected = [Platform.parse(image) for image in images]
    assert len(runs) == len(expected)
    for choice, image in zip(runs, expected, strict=True):
        assert image.matches(choice)


@pytest.mark.parametrize(
    ("host", "image"),
    [
        ("linux/amd64", "linux/386"),
        ("linux/arm64", "linux/arm/v7"),
        ("linux/amd64", "linux/amd64/v2"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("linux/arm64/v8.1", "linux/arm64/v8.2"),
        ("linux/arm64/v9", "linux/arm64/v8.6"),
        ("linux/arm64/v8.9", "linux/arm64/v9"),
    ],
)
def test_what_is_never_taken_in_its_place(host: str, image: str) -> None:
    """No newer variant; and no other architecture, which containerd would run but nobody means."""
    runs = Platform.parse(host).runs()
    assert not any(Platform.parse(image).matches(choice) for choice in runs)


@pytest.mark.parametrize(
    ("image", "wanted", "fits"),
    [
        ("10.0.17763.5830", "10.0.17763", True),
        ("10.0.17763.5830", "10.0.17763.1", True),
        ("10.0.17763.5830", "10.0.20348", False),
        ("10.0.20348.1", "10.0.17763", False),
        ("10.0.17763.5830", "", True),
        ("", "10.0.17763", True),  # containerd: an image that states no version runs anywhere
        ("10.0.20348.1", "10.0.20348", True),
        ("10.0.20348.1", "10.0.22621", True),  # from Server 2022 on, later hosts take earlier ones
        ("10.0.22621.1", "10.0.26100", True),
        ("10.0.26100.1", "10.0.22621", False),
        ("10.1.20348.1", "10.0.26100", False),
        ("10.0.17763.5830", "10.0", True),
        ("what", "10.0.17763", False),
    ],
)
def test_windows_builds_must_agree(image: str, wanted: str, fits: bool) -> None:
    mine = Platform("windows", "amd64", os_version=image)
    assert mine.matches(Platform("windows", "amd64", os_version=wanted)) == fits


def test_a_version_counts_on_windows_alone() -> None:
    image = Platform("linux", "amd64", os_version="5.15")
    assert image.matches(Platform("linux", "amd64", os_version="6.1"))


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
