"""Times as the formats write them: ``YYYY-MM-DDTHH:MM:SS.sssZ``, 24 characters, UTC. Here they are
milliseconds since 1970-01-01T00:00:00Z."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone

#: How far two clocks that are right may differ, in milliseconds.
ALLOWANCE = 120_000

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = 253_402_300_799_999


def parse(text: str) -> int | None:
    """The moment in a text of that form and no other."""
    if not _FORM.fullmatch(text):
        return None
    try:
        moment = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    millis = (moment - _EPOCH) // timedelta(milliseconds=1) + int(text[20:23])
    # strptime knows leap seconds, and the form does not.
    return millis if millis >= 0 and write(millis) == text else None


def write(millis: int) -> str:
    """The text of a moment; that of the last one that has a text, behind it."""
    moment = _EPOCH + timedelta(milliseconds=min(millis, _LAST))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{min(millis, _LAST) % 1000:03d}Z"


class Clock:
    """A clock that is read once and then goes on by itself, whatever anybody sets."""

    def __init__(self, start: int | None = None) -> None:
        self._is_system = start is None
        self._start = time.time_ns() // 1_000_000 if start is None else start
        self._since = time.monotonic_ns()

    def now(self) -> int:
        """The time now."""
        return self._start + (time.monotonic_ns() - self._since) // 1_000_000

    def latest(self) -> int:
        """The later of this clock and of the machine's as it stands: what ends does not come back
        when somebody sets the clock, nor after a sleep that this one has not seen."""
        now = self.now()
        return max(now, time.time_ns() // 1_000_000) if self._is_system else now
