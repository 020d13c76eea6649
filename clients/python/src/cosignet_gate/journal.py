"""What the caller remembers over a crash: one line before each act, one behind it. The file is that
of the client for Rust, which can share it; the one for TypeScript has another lock, and cannot.

::

    {"at":time,"event":"claimed","operation":text,"payloadHash":hex,"requestId":uuid}
    {"at":time,"event":"done","operation":text,"payloadHash":hex,"requestId":uuid}     or "failed"

The first line is on the disk before the act begins. A crash behind it leaves an outcome that nobody
can know from here, so that neither the operation nor the request is ever acted on again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from . import _json, _time
from ._lines import Lines
from ._members import Members
from ._shown import plain
from ._steps import Task
from .approved import Approved
from .denied import Denied, Reason


@dataclass(frozen=True)
class Record:
    """One line."""

    #: When it was written, by the clock of this machine.
    at: str
    #: ``claimed``, ``done`` or ``failed``.
    event: str
    #: The id of the operation.
    operation: str
    #: The SHA-256 of the payload, in hex.
    payload_hash: str
    #: The id of the request.
    request_id: str


class Journal(Lines[Record]):
    """A file of lines that are never taken back. It is made with the first line."""

    def records(self) -> list[Record]:
        """All lines, in their order; none if there is no file.

        Half a line is what a crash leaves while a line is written. It is for people to look at, and
        denied until then.
        """
        return self.lines()

    def _record(self, line: bytes) -> Record:
        members = Members(_json.parse(line))
        return Record(
            at=_time.write(members.time("at")),
            event=members.text("event"),
            operation=members.text("operation"),
            payload_hash=members.hash("payloadHash"),
            request_id=members.text("requestId"),
        )


class Look(Task[None]):
    """Raises if an operation has been claimed before."""

    def __init__(self, journal: Journal, operation: str) -> None:
        self._journal = journal
        self._operation = operation

    def run(self) -> None:
        _require_unknown(
            self._journal.records(), lambda record: record.operation == self._operation
        )


class Write(Task[None]):
    """One line more about an approval. Before it says ``claimed``, neither the operation nor the
    request may be in the journal."""

    # Whoever gives up has to know whether the line is there.
    may_be_left = False

    def __init__(self, journal: Journal, approved: Approved, event: str, now: int) -> None:
        self._journal = journal
        self._approved = approved
        self._event = event
        self._now = now

    def run(self) -> None:
        approved = self._approved
        line = _json.to_text(
            {
                "at": _time.write(self._now),
                "event": self._event,
                "operation": approved.operation,
                "payloadHash": approved.payload_sha256,
                "requestId": approved.request_id,
            }
        )

        def make(records: list[Record]) -> bytes:
            if self._event == "claimed":
                _require_unknown(records, self._is_about_the_same)
            return line.encode("utf-8") + b"\n"

        self._journal.append(make)

    def _is_about_the_same(self, record: Record) -> bool:
        approved = self._approved
        return record.operation == approved.operation or record.request_id == approved.request_id


def _require_unknown(records: list[Record], same: Callable[[Record], bool]) -> None:
    last = next((record for record in reversed(records) if same(record)), None)
    if last is None:
        return
    request = f"request {plain(last.request_id)}"
    if last.event == "claimed":
        message = (
            f"{request} was claimed at {last.at}, and nothing was written behind that: the outcome "
            "of the act is unknown"
        )
    else:
        message = (
            f"{request} was acted on before: the act ended at {last.at} as {plain(last.event)}"
        )
    raise Denied(Reason.OUTCOME_UNKNOWN, message)
