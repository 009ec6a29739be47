"""How layers are to be packed."""

from __future__ import annotations

import attrs

from oci_layout.errors import UsageError
from oci_layout.streams.encoding import Encoding


@attrs.frozen(kw_only=True)
class Compress:
    """How layers are to be packed.

    Args:
        mode: ``auto`` (keep what every engine takes), ``keep``, or ``to`` an encoding.
        encoding: the encoding of ``to``.
    """

    mode: str = "auto"
    encoding: Encoding | None = None

    @classmethod
    def parse(cls, text: str) -> Compress:
        """Read ``auto``, ``keep``, ``none``, ``gzip[:LEVEL]`` or ``zstd[:LEVEL]``.

        Raises:
            UsageError: anything else.
        """
        if text in ("auto", "keep"):
            return cls(mode=text)
        try:
            return cls(mode="to", encoding=Encoding.parse(text))
        except ValueError as error:
            raise UsageError(what=f"--compression: {error}", hint="or auto, or keep") from error


AUTO = Compress()  # keep what every engine takes
RAW = Compress.parse("none")
