"""An approval that has been verified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NoReturn

from . import _time
from ._answer import Claimed
from ._shown import plain
from ._verifier import Verified
from .denied import Denied, Reason

_SEAL = object()


@dataclass(frozen=True)
class Asked:
    """What was asked, and when that began."""

    id: str
    action: str
    payload: bytes
    began: int


class Approved:
    """An approval of exactly what was asked, claimed by this caller and verified under its policy.
    Verification alone makes one, and there is no copy of it."""

    __slots__ = ("_action", "_decision", "_operation", "_payload", "_report", "_request_id")

    def __init__(
        self, seal: object, claimed: Claimed, operation: str, asked: Asked, verified: Verified
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("verification alone makes an Approved")
        self._request_id = claimed.id
        self._operation = operation
        self._action = asked.action
        self._payload = asked.payload
        self._decision = claimed.decision.decode("utf-8")
        self._report = verified.report

    @property
    def action(self) -> str:
        """The action that was approved."""
        return self._action

    @property
    def payload(self) -> bytes:
        """The bytes that were approved, which are those that were asked for."""
        return self._payload

    def json(self) -> Any:
        """The value in these bytes, read anew each time: act on this, and not on what the caller
        has kept beside it."""
        return json.loads(self._payload)

    @property
    def payload_sha256(self) -> str:
        """The hash of the payload, in hex."""
        return sha256(self._payload).hexdigest()

    @property
    def request_id(self) -> str:
        """The id of the request: an idempotency key for whatever is to be done."""
        return self._request_id

    @property
    def operation(self) -> str:
        """The id of the operation that has claimed the approval."""
        return self._operation

    @property
    def decision(self) -> str:
        """The decision, which everybody can verify again: a ``cosignet.decision/v1``."""
        return self._decision

    @property
    def report(self) -> str:
        """The verifier's report on it, a JSON text: a ``cosignet.report/v1``."""
        return self._report

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("verification alone makes an Approved")

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an Approved is used once, and has no copy")


def same_request(asked: str, found: str) -> None:
    """Raises unless an id of the gate's is that of the request."""
    if asked != found:
        message = "the answer is about another request"
        raise Denied(Reason.OTHER_REQUEST, message, expected=asked, found=plain(found))


def same_payload(asked: str, found: str) -> None:
    """Raises unless a hash is that of the payload."""
    if asked != found:
        message = "the answer is about another payload"
        raise Denied(Reason.OTHER_PAYLOAD, message, expected=asked, found=plain(found))


def approved(claimed: Claimed, operation: str, asked: Asked, verified: Verified) -> Approved:
    """The approval, if claim and decision are about what was asked."""
    expected = sha256(asked.payload).hexdigest()
    same_request(asked.id, claimed.id)
    same_payload(expected, sha256(claimed.payload).hexdigest())
    same_payload(expected, claimed.payload_hash)
    # An old approval of the same payload is authentic as well. The context says which request it
    # was for.
    same_request(asked.id, verified.request_id)
    if verified.action != asked.action:
        message = "another action was approved"
        raise Denied(
            Reason.OTHER_REQUEST,
            message,
            expected=plain(asked.action),
            found=plain(verified.action),
        )
    if verified.expires + _time.ALLOWANCE < asked.began:
        message = "the decision is about a request that had ended before this one began"
        raise Denied(
            Reason.OTHER_REQUEST,
            message,
            expected=f"after {_time.write(asked.began)}",
            found=_time.write(verified.expires),
        )
    return Approved(_SEAL, claimed, operation, asked, verified)
