"""Questions to the gate, repeated while it makes sense."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from ._http import Answer, Exchange, NoAnswer, address, monotonic
from ._steps import Pause, Steps, perform
from .denied import Denied, Reason

VERSION = "0.1.0"

#: For all of one answer, in seconds, if nothing is waited for.
_TIMEOUT = 30.0

#: The first pause before a question is repeated, in seconds; each is twice the one before.
_PAUSE = 0.2

#: The longest pause.
_LONGEST_PAUSE = 5.0

#: The longest answer, in bytes: a decision, its payload once more, and what the gate says beside.
_MAX_ANSWER = 16 * 1024 * 1024


class Keys:
    """The keys with which the gate is asked: one that creates, and one that claims."""

    __slots__ = ("_claim", "_create")

    def __init__(self, *, create: str, claim: str) -> None:
        self._create = _key(create)
        self._claim = _key(claim)

    @classmethod
    def both(cls, key: str) -> Keys:
        """One key that may create and claim."""
        return cls(create=key, claim=key)

    @classmethod
    def of(cls, keys: str | Keys) -> Keys:
        """The keys that a caller gives."""
        return keys if isinstance(keys, Keys) else cls.both(keys)

    def __repr__(self) -> str:
        return "Keys"


def _key(key: str) -> str:
    if not isinstance(key, str) or not is_visible(key.strip()):
        message = "A key of a gate is one line of visible ASCII characters."
        raise Denied(Reason.INVALID, message)
    return key.strip()


def is_visible(text: str) -> bool:
    """Whether a text consists of visible ASCII characters, at least one."""
    return text != "" and all("!" <= character <= "~" for character in text)


@dataclass(frozen=True)
class Call:
    """A question, without the address and the key."""

    #: Behind the path of all requests; with ``from_root`` from the root of the gate on.
    path: str
    #: Whether it needs the right to claim, and not the one to create.
    claims: bool = False
    operation: str | None = None
    json: bytes | None = None
    #: How long the gate is asked to wait with its answer, in whole seconds.
    wait: int = 0
    from_root: bool = False


class Connection:
    """A gate, and the keys for it."""

    def __init__(self, url: str, keys: Keys) -> None:
        self._url = address(url)
        self._keys = keys
        # Certificates are read once.
        self._tls = ssl.create_default_context() if url.startswith("https:") else None

    def address(self, call: Call) -> str:
        """The address of a call."""
        wait = f"?wait={call.wait}" if call.wait else ""
        below = "" if call.from_root else "/api/confirmations"
        return f"{self._url}{below}{call.path}{wait}"

    def ask(self, call: Call, until: float) -> Steps[Answer]:
        """One answer, asked for again until ``until`` while the network or the gate fails."""
        pause = _PAUSE
        while True:
            try:
                answer = yield from perform(self._exchange(call, until))
            except NoAnswer as error:
                why = str(error)
            else:
                if not _is_passing(answer.status):
                    return answer
                why = answer.refused(self.address(call))
            if until - monotonic() <= pause:
                raise Denied(Reason.UNREACHABLE, why)
            yield from perform(Pause(pause))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _exchange(self, call: Call, until: float) -> Exchange:
        key = self._keys._claim if call.claims else self._keys._create
        headers = {"user-agent": f"cosignet-gate-python/{VERSION}", "x-api-key": key}
        if call.operation is not None:
            headers["idempotency-key"] = call.operation
        # An answer that is under way at the end may still come.
        timeout = min(_TIMEOUT, max(until - monotonic(), 0.0) + _PAUSE) + call.wait
        return Exchange(self.address(call), headers, call.json, timeout, _MAX_ANSWER, self._tls)


def _is_passing(status: int) -> bool:
    """Whether the same question may have another answer soon."""
    return status in (408, 429) or 500 <= status < 600
