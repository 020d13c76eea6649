"""What the caller remembers over a crash: one line before each act, one behind it. The file is that
of the client for Rust, which can share it; the one for TypeScript has another lock, and cannot.

::

    {"at":time,"event":"claimed","operation":text,"payloadHash":hex,"requestId":uuid}
    {"at":time,"event":"done","operation":text,"payloadHash":hex,"requestId":uuid}     or "failed"

The first line is on the disk before the act begins. A crash behind it leaves an outcome that nobody
can know from here, so that neither the operation nor the request is ever acted on again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable

from . import _json, _time
from ._members import Members, Wrong
from ._shown import plain
from ._steps import Task
from .approved import Approved
from .denied import Denied, Reason

try:
    import fcntl
except ImportError:  # no Unix
    fcntl = None  # type: ignore[assignment]

#: The longest journal, in bytes: it is read before each act.
_MAX_BYTES = 64 * 1024 * 1024


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


class Journal:
    """A file of lines that are never taken back. It is made with the first line."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        if fcntl is None:
            message = "a journal needs file locks as Unix has them"
            raise Denied(Reason.JOURNAL, message, next="Use a machine with Linux or macOS.")

    def records(self) -> list[Record]:
        """All lines, in their order; none if there is no file.

        Half a line is what a crash leaves while a line is written. It is for people to look at, and
        denied until then.
        """
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed(error) from None
        try:
            return self._read(file)
        finally:
            os.close(file)

    def _read(self, file: int) -> list[Record]:
        data = bytearray()
        try:
            while len(data) <= _MAX_BYTES:
                part = os.read(file, 1024 * 1024)
                if not part:
                    break
                data += part
        except OSError as error:
            raise self._failed(error) from None
        if len(data) > _MAX_BYTES:
            message = "the journal is too long: begin another one, and keep this one"
            raise Denied(Reason.JOURNAL, message)
        *lines, rest = bytes(data).split(b"\n")
        if rest:
            raise self._damaged(len(lines) + 1)
        return [self._record(line, number) for number, line in enumerate(lines, 1)]

    def _record(self, line: bytes, number: int) -> Record:
        try:
            members = Members(_json.parse(line))
            return Record(
                at=_time.write(members.time("at")),
                event=members.text("event"),
                operation=members.text("operation"),
                payload_hash=members.hash("payloadHash"),
                request_id=members.text("requestId"),
            )
        except (_json.JsonError, Wrong):
            raise self._damaged(number) from None

    def _append(self, line: bytes, check: Callable[[list[Record]], None]) -> None:
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            file = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._failed(error) from None
        try:
            # Held until it is closed; nobody else writes meanwhile.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file), os.stat(self._path)):
                raise OSError("another file has taken its place")
            check(self._read(file))
            while line:
                line = line[os.write(file, line) :]
            os.fsync(file)
            self._sync_name()
        except OSError as error:
            raise self._failed(error) from None
        finally:
            os.close(file)

    def _sync_name(self) -> None:
        """A file that is new is found again after a power cut."""
        folder = os.open(os.path.dirname(self._path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _damaged(self, number: int) -> Denied:
        message = f"line {number} of the journal {plain(self._path)} is damaged"
        return Denied(Reason.JOURNAL, message)

    def _failed(self, error: OSError) -> Denied:
        message = f"the journal {plain(self._path)} cannot be used: {error.strerror or error}"
        return Denied(Reason.JOURNAL, message)


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
        self._journal._append(line.encode("utf-8") + b"\n", self._check)

    def _check(self, records: list[Record]) -> None:
        if self._event == "claimed":
            _require_unknown(records, self._is_about_the_same)

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
