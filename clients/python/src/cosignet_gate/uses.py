"""The journal of break-glass: what was done without an approval, before it is done. The file is
that of the client for Rust, which can share it.

::

    {"action":text,"at":time,"event":"used","file":text,"grantSha256":hex,"payloadHash":hex,
     "reason":text,"signers":[name,…],"type":"cosignet.break-glass-use/v1","useId":uuid}
    {"at":time,"event":"done","type":"cosignet.break-glass-use/v1","useId":uuid}
                               or "failed", or "reported"

A use is ``used`` once, and nothing is written of one that is not. ``reported`` says that a gate
knows what stands before it: it has to be told once more of an outcome that stands behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable

from . import _json, _time
from ._lines import Lines
from ._members import Members
from ._steps import Task
from .denied import Denied, Reason

if TYPE_CHECKING:
    from ._glass import Permitted
    from .break_glass import Emergency

_TYPE = "cosignet.break-glass-use/v1"


@dataclass(frozen=True)
class Use:
    """A use, with what came of it."""

    #: Its id, a lower-case UUID.
    use_id: str
    #: When it began, by the clock of this machine.
    at: str
    #: What was done.
    action: str
    #: The file, as it was used.
    file: str
    #: The hash of what people signed, in hex.
    grant_sha256: str
    #: The hash of the payload, in hex.
    payload_hash: str
    #: Why, as those say who signed.
    reason: str
    #: The people who signed.
    signers: list[str]
    #: ``done`` or ``failed``; nothing if the program ended before it could be written.
    outcome: str | None = None
    #: Whether a gate has been told, of the outcome as well.
    reported: bool = False

    def report(self) -> bytes:
        """What a gate is told."""
        members = {
            "action": self.action,
            "file": self.file,
            "outcome": self.outcome,
            "payloadHash": self.payload_hash,
            "usedAt": self.at,
            "useId": self.use_id,
        }
        return _json.to_text(members).encode("utf-8")


@dataclass(frozen=True)
class Reported:
    """What a gate was told about uses."""

    #: How many it did not know of before, or not how they ended.
    told: int
    #: How many of these it recorded as not valid: its own people have not signed for them.
    invalid: int


@dataclass(frozen=True)
class UseEvent:
    """One line."""

    at: int
    #: ``used``, ``done``, ``failed`` or ``reported``.
    event: str
    use_id: str
    #: Of a line ``used``.
    used: Use | None


class Uses(Lines[UseEvent]):
    """A journal of uses: a file of lines that are never taken back."""

    def all(self) -> list[Use]:
        """All uses, in the order in which they began."""
        return _uses(self.lines())

    def begin(self, emergency: Emergency, permitted: Permitted, clock: Callable[[], int]) -> None:
        """Writes down that the act is about to begin. Nobody else does so at the same time, and it
        is permitted by the clock of then."""

        def make(events: list[UseEvent]) -> bytes:
            now = clock()
            _require_clock(events, permitted.at)
            permitted.require_time(now)
            _require_unused(_uses(events), emergency, permitted.uses)
            return _line(
                {
                    "action": emergency.action,
                    "at": _time.write(now),
                    "event": "used",
                    "file": emergency.file,
                    "grantSha256": emergency.grant_sha256,
                    "payloadHash": emergency.payload_sha256,
                    "reason": emergency.reason,
                    "signers": emergency.people,
                    "type": _TYPE,
                    "useId": emergency.use_id,
                }
            )

        self.append(make)

    def end(self, use_id: str, event: str, now: int) -> None:
        """Writes down what became of it."""
        self.append(lambda _: _end(use_id, event, now))

    def mark_reported(self, told: Use, now: int) -> None:
        """Writes down that a gate knows all of this, unless more was written meanwhile."""

        def make(events: list[UseEvent]) -> bytes | None:
            is_all = any(
                use.use_id == told.use_id and use.outcome == told.outcome for use in _uses(events)
            )
            return _end(told.use_id, "reported", now) if is_all else None

        self.append(make)

    def _read(self, file: int) -> list[UseEvent]:
        events = super()._read(file)
        known: set[str] = set()
        for number, event in enumerate(events, 1):
            if (event.used is not None) == (event.use_id in known):
                raise self._damaged(number)
            known.add(event.use_id)
        return events

    def _record(self, line: bytes) -> UseEvent:
        members = Members(_json.parse(line))
        if members.text("type") != _TYPE:
            raise members.wrong("type", _TYPE, members.text("type"))
        event, use_id = members.text("event"), members.text("useId")
        if event not in ("used", "done", "failed", "reported"):
            raise members.wrong("event", "one that is known here", event)
        at = members.time("at")
        if event != "used":
            return UseEvent(at, event, use_id, None)
        used = Use(
            use_id=use_id,
            at=_time.write(at),
            action=members.text("action"),
            file=members.text("file"),
            grant_sha256=members.hash("grantSha256"),
            payload_hash=members.hash("payloadHash"),
            reason=members.text("reason"),
            signers=members.texts("signers"),
        )
        return UseEvent(at, event, use_id, used)


class Unreported(Task[list[Use]]):
    """Uses that no gate was told about, or not of what came of them."""

    def __init__(self, uses: Uses) -> None:
        self._uses = uses

    def run(self) -> list[Use]:
        return [use for use in self._uses.all() if not use.reported]


class MarkReported(Task[None]):
    """Writes down that a gate knows of a use."""

    may_be_left = False

    def __init__(self, uses: Uses, use: Use, now: int) -> None:
        self._uses = uses
        self._use = use
        self._now = now

    def run(self) -> None:
        self._uses.mark_reported(self._use, self._now)


def _line(members: dict[str, Any]) -> bytes:
    return _json.to_text(members).encode("utf-8") + b"\n"


def _end(use_id: str, event: str, now: int) -> bytes:
    return _line({"at": _time.write(now), "event": event, "type": _TYPE, "useId": use_id})


def _uses(events: list[UseEvent]) -> list[Use]:
    all: dict[str, Use] = {}
    for event in events:
        if event.used is not None:
            all[event.use_id] = event.used
        elif event.event == "reported":
            all[event.use_id] = replace(all[event.use_id], reported=True)
        else:
            # What a gate was told before did not have it.
            use = all[event.use_id]
            all[event.use_id] = replace(use, outcome=event.event, reported=False)
    return list(all.values())


def _require_clock(events: list[UseEvent], now: int) -> None:
    """A clock that was set back opens a window again."""
    last = max((event.at for event in events), default=0)
    if now + _time.ALLOWANCE < last:
        message = "the clock of this machine stands before a line of the journal"
        expected = f"{_time.write(last)} or later"
        raise Denied(Reason.CLOCK_SKEW, message, expected=expected, found=_time.write(now))


def _require_unused(all: list[Use], emergency: Emergency, most: int) -> None:
    """What identifies a file is the grant: signatures can be left out."""
    same = [use for use in all if use.grant_sha256 == emergency.grant_sha256]
    for use in same:
        if use.payload_hash != emergency.payload_sha256:
            continue
        began = f"use {use.use_id} of this file began at {use.at} with the same payload"
        if use.outcome is None:
            message = (
                f"{began}, and nothing was written behind that: the outcome of the act is unknown"
            )
            next = "Look whether the act took effect. If it did not, have a new file signed."
            raise Denied(Reason.OUTCOME_UNKNOWN, message, next=next)
        raise Denied(Reason.BREAK_GLASS_USED, f"{began}, and ended as {use.outcome}")
    if len(same) >= most:
        message = "the break-glass file was used as often as its people have signed"
        expected, found = f"at most {most}", str(len(same))
        raise Denied(Reason.BREAK_GLASS_USED, message, expected=expected, found=found)
