"""Files of lines that are never taken back: journals."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Callable, Generic, TypeVar

from . import _json
from ._members import Wrong
from ._shown import plain
from .denied import Denied, Reason

try:
    import fcntl
except ImportError:  # no Unix
    fcntl = None  # type: ignore[assignment]

#: The longest journal, in bytes: it is read before each act.
_MAX_BYTES = 64 * 1024 * 1024

#: How long others are waited for who read or write it, and between two tries, in seconds.
_PATIENCE = 10.0
_PAUSE = 0.02

L = TypeVar("L")


class Lines(Generic[L]):
    """A file of lines that are never taken back. It is made with the first line."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        if fcntl is None:
            message = "a journal needs file locks as Unix has them"
            raise Denied(Reason.JOURNAL, message, next="Use a machine with Linux or macOS.")

    def lines(self) -> list[L]:
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
            with self._locked(file, fcntl.LOCK_SH):
                return self._read(file)
        except OSError as error:
            raise self._failed(error) from None
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _locked(self, file: int, how: int) -> Iterator[None]:
        """Nobody writes meanwhile, nor reads if it is exclusive."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise OSError(f"others have locked it for {_PATIENCE:g} seconds") from None
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            # A process that another thread is starting has the same open file for a moment, and
            # would hold the lock.
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)

    def _read(self, file: int) -> list[L]:
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
        return [self._one(line, number) for number, line in enumerate(lines, 1)]

    def _one(self, line: bytes, number: int) -> L:
        try:
            return self._record(line)
        except (_json.JsonError, Wrong):
            raise self._damaged(number) from None

    def _record(self, line: bytes) -> L:
        raise NotImplementedError

    @property
    def path(self) -> str:
        """Where it is."""
        return self._path

    def append(self, make: Callable[[list[L]], bytes | None]) -> None:
        """Writes the line that ``make`` makes of those that are there, if it makes one; nobody else
        writes at the same time. When this returns, the line is on the disk."""
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            file = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._failed(error) from None
        try:
            with self._locked(file, fcntl.LOCK_EX):
                if not os.path.samestat(os.fstat(file), os.stat(self._path)):
                    raise OSError("another file has taken its place")
                line = make(self._read(file))
                if line is None:
                    return
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
