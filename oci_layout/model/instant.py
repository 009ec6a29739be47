"""Points in time as configs and people write them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

import attrs

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?"
    r"(?:[Zz]|([+-])(\d\d):(\d\d))"
)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
LATEST = 8**11 - 1  # seconds: what a tar header holds in octal digits, in the year 2242
VARIABLE = "SOURCE_DATE_EPOCH"


@attrs.frozen(order=True)
class Instant:
    """A point in time.

    Args:
        seconds: since 1970, UTC.
        nanoseconds: beyond them.
    """

    seconds: int
    nanoseconds: int = 0

    @classmethod
    def of_text(cls, text: str) -> Instant | None:
        """The time that a config states (RFC 3339); None where it states none."""
        match = _RFC3339.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
        try:
            whole = datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc) - _EPOCH
        except ValueError:
            return None
        offset = 0
        if match[8]:
            offset = (int(match[9]) * 60 + int(match[10])) * (-60 if match[8] == "-" else 60)
        within = hour * 3600 + minute * 60 + second
        return cls(whole.days * 86_400 + within - offset, int((match[7] or "0").ljust(9, "0")))

    @classmethod
    def asked(cls, text: str, environment: Mapping[str, str]) -> Instant:
        """The time that somebody asks for.

        Args:
            text: RFC 3339, seconds since 1970, or ``SOURCE_DATE_EPOCH``: what that variable says.
            environment: has the variable.

        Raises:
            ValueError: none of them.
        """
        said = environment.get(VARIABLE, "") if text == VARIABLE else text
        if re.fullmatch(r"\d{1,10}", said, re.ASCII):
            found: Instant | None = cls(int(said))
        else:
            found = cls.of_text(said)
        if found is None:
            told = f"{VARIABLE} is {said!r}, which" if text == VARIABLE else f"{text!r}"
            raise ValueError(f"{told} is no time, such as 2024-01-31T12:00:00Z or 1706702400")
        if not 0 <= found.seconds <= LATEST:
            raise ValueError(f"{text!r} is not between the years 1970 and 2242")
        return found

    def __str__(self) -> str:
        """RFC 3339 in UTC."""
        moment = _EPOCH + datetime.timedelta(seconds=self.seconds)
        fraction = f".{self.nanoseconds:09d}".rstrip("0") if self.nanoseconds else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
