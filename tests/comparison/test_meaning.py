"""What engines read in a config, and how documents differ field by field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout.comparison.fields import differences
from oci_layout.comparison.meaning import config_meaning, exactly
from oci_layout.comparison.spelling import spelling

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab<", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "config", "Env", "created"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["config", "history", "rootfs", "x", "os"]), VALUES)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"os": "linux"}, {"OS": "linux"}),
        ({"config": {"Cmd": ["a"]}}, {"Config": {"cmd": ["a"]}}),
        ({"author": ""}, {}),
        ({"config": {}}, {"config": None}),
        ({"config": {"Labels": {}}}, {}),
        ({"config": {"Labels": {"a": None}}}, {"config": {"Labels": {"a": ""}}}),
        ({"config": {"ExposedPorts": {"80": {}}}}, {"config": {"ExposedPorts": {"80": None}}}),
        ({"config": {"Healthcheck": {"Retries": 0}}}, {}),
        ({"history": [{"empty_layer": False}]}, {"history": [{}]}),
        ({"history": []}, {"history": None}),
        ({"created": "0001-01-01T00:00:00Z"}, {}),
        ({"created": "2024-01-01T00:00:00Z"}, {"created": "2024-01-01T01:00:00.000+01:00"}),
        ({"created": "2024-01-01T00:00:00.1Z"}, {"created": "2024-01-01T00:00:00,10Z"}),
        ({"history": [{"created": "2024-01-01T00:00:00Z"}]},
         {"history": [{"created": "2023-12-31T23:00:00-01:00"}]}),
        ({"rootfs": {"type": "layers", "diff_ids": None}}, {"rootfs": {"type": "layers"}}),
        ({"unheard": None}, {}),
    ],
)  # fmt: skip
def test_the_same_to_an_engine(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert exactly(config_meaning(a)) == exactly(config_meaning(b))
    assert not list(differences(config_meaning(a), config_meaning(b)))


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ({"config": {"StopTimeout": 0}}, {}, ["config"]),
        ({"config": {"Tty": 1}}, {"config": {"Tty": True}}, ["config.Tty"]),
        ({"x": 1}, {"x": True}, ["x"]),
        ({"x": {"A": ""}}, {"x": {}}, ["x.A"]),
        ({"x": 1}, {"X": 1}, ["x", "X"]),
        ({"history": [{}]}, {}, ["history"]),
        ({"created": "yesterday"}, {"created": "Yesterday"}, ["created"]),
        ({"created": "2024-01-01T00:00:60Z"}, {"created": "2024-01-01T00:01:00Z"}, ["created"]),
        ({"config": {"Cmd": ["a", "b"]}}, {"config": {"Cmd": ["a b"]}}, ["config.Cmd"]),
        (
            {"config": {"Env": ["A=1", "B=2"]}},
            {"config": {"Env": ["A=1=1", "C"]}},
            ["config.Env.A", "config.Env.B", "config.Env.C"],
        ),
        ({"config": {"Env": ["A=1", "A=2"]}}, {"config": {"Env": ["A=2"]}}, ["config.Env"]),
        (
            {"history": [{"comment": "1"}, {"comment": "2"}, {"comment": "3"}]},
            {"history": [{"comment": "1"}, {"comment": "3"}]},
            ["history[1]"],
        ),
        (
            {"history": [{"comment": "1"}, {"comment": "2"}]},
            {"history": [{"comment": "1"}, {"comment": "4"}]},
            ["history[1].comment"],
        ),
    ],
)
def test_another_thing_to_an_engine(a: Any, b: Any, names: list[str]) -> None:
    found = list(differences(config_meaning(a), config_meaning(b)))
    assert [field.name for field in found] == names
    back = list(differences(config_meaning(b), config_meaning(a)))
    assert sorted(field.name for field in back) == sorted(names)


@given(a=DOCUMENTS, b=DOCUMENTS)
def test_fields_differ_if_and_only_if_meanings_do(a: dict[str, Any], b: dict[str, Any]) -> None:
    one, two = config_meaning(a), config_meaning(b)
    found = list(differences(one, two))
    if "rootfs" not in a and "rootfs" not in b:
        assert bool(found) == (exactly(one) != exactly(two))
    assert not list(differences(one, config_meaning(dict(reversed(a.items())))))


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (b'{"a":1}', b'{ "a": 1 }\n', ("white space",)),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', ("the order of keys",)),
        (b'{"a":"<"}', b'{"a":"\\u003c"}', ("escapes in texts",)),
        (b'{"a":"b c"}', b'{"a" : "b\\u0020c"}', ("escapes in texts", "white space")),
        (b'{"a":1,"b":""}', b'{"a":1}', ("fields that are empty or absent (b)",)),
        (
            b'{"a":[{"t":"x"}]}',
            b'{"a":[{"t":"y"}]}',
            ("values written in another way (a[0].t)",),
        ),
    ],
)
def test_spelling(a: bytes, b: bytes, told: tuple[str, ...]) -> None:
    assert spelling(a, b) == told
