"""Names as engines store them."""

from __future__ import annotations

from oci_layout.reference import ImageName, InvalidReferenceError, Reference


def whole(name: str) -> str:
    """A name in full, with registry and tag; empty when it is none. A bare digest stays one."""
    if ImageName(name).is_digest:
        return name
    try:
        return str(Reference.parse(name))
    except InvalidReferenceError:
        return ""


def normalised(name: str) -> str:
    """A name as podman stores it; empty when it is none (containers/common libimage/normalize.go).

    Without a registry in front it is one of this host.
    """
    first = name.partition("/")[0] if "/" in name else ""
    local = not ("." in first or ":" in first or first == "localhost")
    return whole(name) and whole(f"localhost/{name}" if local else name)
