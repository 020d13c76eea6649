"""A request that people are asked about."""

from __future__ import annotations

import threading
from typing import NoReturn

from . import _time
from ._answer import Seen
from ._http import monotonic
from .approved import same_payload
from .ask import Ask
from .denied import Denied, Reason

#: The longest that a request is waited for, in seconds, whatever the gate says about its end.
_LONGEST = 31 * 24 * 60 * 60.0

_SEAL = object()


class Asking:
    """A request that people are asked about. ``Gate.request`` and ``Gate.find`` make it."""

    __slots__ = ("_ask", "_began", "_lock", "_operation", "_seen", "_taken", "_until")

    def __init__(
        self, seal: object, ask: Ask, operation: str, seen: Seen, began: int, until: float
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("Gate.request and Gate.find make an Asking")
        self._ask = ask
        self._operation = operation
        self._seen = seen
        # A request that ended before this is another one.
        self._began = began
        self._until = until
        self._lock = threading.Lock()
        self._taken = False

    @property
    def id(self) -> str:
        """The gate's id of the request."""
        return self._seen.id

    @property
    def url(self) -> str:
        """The page on which people decide, as the gate says."""
        return self._seen.url

    @property
    def expires_at(self) -> str:
        """The end of the time to decide, as the gate says: ``YYYY-MM-DDTHH:MM:SS.sssZ``."""
        return _time.write(self._seen.expires)

    def __bool__(self) -> NoReturn:
        raise TypeError("a request that was made permits nothing; Gate.act and Gate.claim go on")

    def _take(self) -> None:
        """The second call of this is denied: an approval is good for one act."""
        with self._lock:
            if self._taken:
                message = f"request {self.id} was claimed before, by this object"
                raise Denied(Reason.OUTCOME_UNKNOWN, message)
            self._taken = True


def asking(ask: Ask, operation: str, seen: Seen, began: int, now: int, *, is_new: bool) -> Asking:
    """The request, if it is that of the payload and the clocks agree about it. It ``is_new`` if no
    other process and no earlier try can have made it."""
    same_payload(ask.payload.sha256, seen.payload_hash)
    if now + _time.ALLOWANCE < seen.created:
        raise _skewed("the request was made in the future", seen.created, now)
    if is_new and seen.created + _time.ALLOWANCE < began:
        raise _skewed("a request that was made just now is older", seen.created, now)
    left = max(seen.expires - now, 0) / 1000
    until = monotonic() + min(left, _LONGEST)
    if not is_new:
        # The gate says when it was made: what is older than any request can be is another one.
        began = max(min(began, seen.created), began - int(_LONGEST * 1000))
    return Asking(_SEAL, ask, operation, seen, began, until)


def _skewed(what: str, created: int, now: int) -> Denied:
    return Denied(
        Reason.CLOCK_SKEW,
        f"the gate says that {what}",
        expected=f"about {_time.write(now)}",
        found=_time.write(created),
    )
