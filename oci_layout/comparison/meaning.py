"""What a config means: the value that is left of its JSON when an engine has read it.

Engines read it into Go structs (moby's image.Image and container.Config, image-spec's
specs-go/v1/config.go). There, case and order of keys, white space and escapes are gone, and a
field that is absent, null, empty or zero is one and the same, where the struct says omitempty. A
field that no struct has is compared as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oci_layout.model.configtypes import CONFIG
from oci_layout.model.gojson import encode
from oci_layout.model.gotypes import ABSENT


def config_meaning(value: Mapping[str, Any]) -> dict[str, Any]:
    """The config as an engine reads it, keyed by the names that the structs give.

    Args:
        value: the JSON object.
    """
    meant: Any = CONFIG.meaning(dict(value))
    return {} if meant is ABSENT else meant


def exactly(value: Any) -> str:
    """A text that two JSON values share if and only if they are equal (1 is not true)."""
    return encode(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
