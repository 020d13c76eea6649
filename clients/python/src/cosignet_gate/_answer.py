"""What a gate says, read into types. Nothing of it is believed: it decides for how long is waited,
and in which words nothing is done.

::

    {"id","url","status","payloadHash","createdAt","expiresAt","refusedBy"?,"reason"?,…}  a request
    {"id","status","payload","payloadHash","decision",…}                                  a claim
    {"code","detail",…}                                                                   a refusal
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, TypeVar

from . import _json, _time
from ._members import Members, Wrong
from ._shown import plain, quote
from .denied import Denied, Reason

_STATES = ("approved", "cancelled", "expired", "pending", "rejected")

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A request, as the gate shows it."""

    id: str
    url: str
    #: One of five words. None of them is a permission to act.
    status: str
    payload_hash: str
    created: int
    expires: int
    #: Who refused and why, fit to print.
    refusal: str

    @classmethod
    def read(cls, body: bytes) -> Seen:
        """A request in the body of an answer."""
        return _read(body, cls._of)

    @classmethod
    def _of(cls, members: Members) -> Seen:
        status = members.text("status")
        if status not in _STATES:
            raise members.wrong("status", "a state that is known here", status)
        return cls(
            id=members.uuid("id"),
            url=members.text("url"),
            status=status,
            payload_hash=members.hash("payloadHash"),
            created=members.time("createdAt"),
            expires=members.time("expiresAt"),
            refusal=_refusal(members) if status == "rejected" else "",
        )

    def require_open(self) -> None:
        """Raises the denial that an ended request is."""
        if self.status == "cancelled":
            raise Denied(Reason.CANCELLED, "the request was cancelled")
        if self.status == "expired":
            raise Denied(Reason.EXPIRED, f"nobody decided until {_time.write(self.expires)}")
        if self.status == "rejected":
            raise Denied(Reason.REFUSED, self.refusal)


@dataclass(frozen=True)
class Claimed:
    """What a claim brings."""

    id: str
    payload: bytes
    payload_hash: str
    #: The decision's text, a ``cosignet.decision/v1`` if the gate is what it should be.
    decision: bytes

    @classmethod
    def read(cls, body: bytes) -> Claimed:
        """What the body of an answer brings."""
        return _read(body, cls._of)

    @classmethod
    def _of(cls, members: Members) -> Claimed:
        status = members.text("status")
        if status != "approved":
            raise members.wrong("status", "approved", status)
        return cls(
            id=members.text("id"),
            payload=members.bytes("payload"),
            payload_hash=members.hash("payloadHash"),
            decision=_json.to_text(members.value("decision")).encode("utf-8"),
        )


def code(body: bytes) -> str:
    """The code of a refusal, empty if there is none."""
    return _said(body, "code") or ""


def detail(body: bytes) -> str | None:
    """The gate's own words for a refusal, in quotes."""
    said = (_said(body, "detail") or "").strip()
    return quote(said) if said else None


def same_use(body: bytes, use_id: str) -> bool:
    """Whether the gate holds the use for one that its people have signed. Raises unless it has
    recorded the one with this id."""

    def read(members: Members) -> tuple[str, bool]:
        return members.text("useId"), members.has("valid") and members.value("valid") is True

    found, is_valid = _read(body, read)
    if found != use_id:
        message = "the answer is about another use"
        raise Denied(Reason.BAD_ANSWER, message, expected=use_id, found=plain(found))
    return is_valid


def _said(body: bytes, key: str) -> str | None:
    try:
        return Members(_json.parse(body)).text(key)
    except (_json.JsonError, Wrong):
        return None


def _refusal(members: Members) -> str:
    names = members.texts("refusedBy") if members.has("refusedBy") else []
    who = ", ".join(map(plain, names)) or "somebody"
    # A refusal without words has null here.
    reason = members.value("reason") if members.has("reason") else None
    return f"{who} refused: {quote(reason)}" if isinstance(reason, str) else f"{who} refused"


def _read(body: bytes, read: Callable[[Members], T]) -> T:
    try:
        value = _json.parse(body)
    except _json.JsonError as error:
        message = f"the gate's answer is not strict JSON: {error}"
        raise Denied(Reason.BAD_ANSWER, message) from None
    try:
        return read(Members(value))
    except Wrong as error:
        message = f"the gate's answer is not as it should be: {error}"
        raise Denied(
            Reason.BAD_ANSWER, message, expected=error.expected, found=error.found
        ) from None
