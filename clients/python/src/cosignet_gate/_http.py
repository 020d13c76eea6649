"""One question and its answer, within limits: no redirects, no proxies, no variables of the
environment, no compression, and one limit on the time of all of it."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from . import _answer
from ._shown import quote
from ._steps import Task
from .denied import Denied, Reason

#: The longest time for a connection, in seconds.
_CONNECT = 10.0

#: As much of a refusal's body is read as may hold its reason, in bytes.
_MAX_REASON = 16 * 1024

_CHUNK = 64 * 1024

#: A name and a password in an address.
_SECRET = re.compile(r"//[^/]*@")


class NoAnswer(Exception):
    """No answer came within the limits."""


@dataclass(frozen=True)
class Answer:
    """An answer, whatever its status."""

    status: int
    body: bytes

    def refused(self, url: str) -> str:
        """A sentence about a status that the question does not allow for."""
        if 300 <= self.status < 400:
            return f"{url} answered {self.status}, and redirects are not followed"
        said = _answer.detail(self.body)
        return f"{url} answered {self.status}" + (f": {said}" if said else "")


def address(url: str) -> str:
    """The address of a server, without a slash at its end."""
    parts = _split(url)
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or not url.isascii()
        or not url.isprintable()
        or " " in url
        or "?" in url
        or "#" in url
    ):
        message = f"{quote(_SECRET.sub('//', str(url)))} is not a plain http or https URL"
        raise Denied(Reason.INVALID, message, expected="https://…")
    if parts.username is not None:
        message = "the address of the gate has a name or a password in it"
        next = "Leave it out: the key is what the gate knows its callers by."
        raise Denied(Reason.INVALID, message, next=next)
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        # A port that is none is found here and not before.
        _ = parts.port
    except ValueError:
        return None
    return parts


class Exchange(Task[Answer]):
    """``GET url``, or ``POST url`` of the JSON. Without ``tls`` the certificates of the system are
    read anew."""

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        json: bytes | None,
        timeout: float,
        limit: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url
        self._tls = tls
        self._headers = {**headers, "accept-encoding": "identity"}
        self._json = json
        self._timeout = timeout
        self._limit = limit
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._aborted: str | None = None

    def run(self) -> Answer:
        # From the first byte sent to the last one received, so that nobody can drip for ever.
        watch = threading.Timer(self._timeout, self._end, ["took too long"])
        watch.daemon = True
        watch.start()
        try:
            return self._ask()
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = self._aborted or f"cannot be reached: {error or type(error).__name__}"
            raise NoAnswer(f"{self._url} {why}") from None
        finally:
            watch.cancel()

    def abort(self) -> None:
        self._end("was given up")

    def _end(self, why: str) -> None:
        with self._lock:
            self._aborted = self._aborted or why
            if self._socket is not None:
                try:
                    # The one below TLS: whoever reads meanwhile reads the end.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                except OSError:
                    pass

    def _ask(self) -> Answer:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        timeout = min(_CONNECT, self._timeout)
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
        try:
            connection.connect()
            with self._lock:
                if self._aborted is not None:
                    raise OSError(self._aborted)
                self._socket = connection.sock
            connection.sock.settimeout(self._timeout)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            method = "GET" if self._json is None else "POST"
            headers = dict(self._headers)
            if self._json is not None:
                headers["content-type"] = "application/json"
            connection.request(method, target, self._json, headers)
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            with self._lock:
                self._socket = None
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        succeeded = 200 <= response.status < 300
        limit = self._limit if succeeded else _MAX_REASON
        if response.getheader("content-encoding", "identity").lower() != "identity":
            raise http.client.HTTPException("it answered in an encoding that was not asked for")
        body = bytearray()
        while len(body) <= limit:
            part = response.read(min(_CHUNK, limit + 1 - len(body)))
            if not part:
                break
            body += part
        if len(body) > limit:
            if succeeded:
                raise http.client.HTTPException(f"its answer has more than {limit} bytes")
            del body[limit:]
        elif response.length:
            raise http.client.IncompleteRead(bytes(body), response.length)
        with self._lock:
            if self._aborted is not None:
                # What was read until then may be the beginning of something longer.
                raise OSError(self._aborted)
        return Answer(response.status, bytes(body))


def monotonic() -> float:
    """A clock for deadlines, in seconds."""
    return time.monotonic()
