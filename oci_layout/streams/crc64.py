"""CRC-64 as tar-split has it (ISO 3309, "CRC-64/GO-ISO"), on Python's long integers.

The polynomial is P = x^64 + x^4 + x^3 + x + 1, so x^64 = (x^3 + 1)(x + 1) modulo P. Squaring keeps
that shape: x^(64m) = (x^(3m) + 1)(x^m + 1) for each m that is a power of two. Thus the first half
of a message is folded onto the second by a few shifts of the whole, and that one again, down to 64
bits. Bits are reflected: bit 0 of the first byte, the lowest of the integer, has the highest power.
"""

from __future__ import annotations

_WHOLE = (1 << 64) - 1
# What folds without a rest (124 m bits with m = 1024) is fastest, and stays in a core's cache.
_PIECE = (124 * 1024 - 64) // 8


def _reduced(value: int, bits: int) -> int:
    """What is left of so many bits, as 64 of them."""
    power = 1 << max(0, ((bits - 1) // 64).bit_length() - 1)
    while power:
        while bits > 64 * power:
            # At most 60 m bits at a time: what they become begins where they have ended.
            taken = min(bits - 64 * power, 60 * power)
            high = value & ((1 << taken) - 1)
            value >>= taken
            bits -= taken
            high ^= high << power
            high ^= high << (3 * power)
            value ^= high << (60 * power - taken)
        power >>= 1
    return value


class Crc64:
    """A checksum in the making."""

    def __init__(self) -> None:
        self._state = _WHOLE

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            # 64 more bits: the message times x^64.
            message = int.from_bytes(piece, "little") ^ self._state
            self._state = _reduced(message, 8 * len(piece) + 64)

    def digest(self) -> bytes:
        """Eight bytes, the highest first, as Go's ``hash.Hash64`` gives them."""
        return (self._state ^ _WHOLE).to_bytes(8, "big")
