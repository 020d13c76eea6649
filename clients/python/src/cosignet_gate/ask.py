"""What somebody is asked to approve."""

from __future__ import annotations

from typing import Any

from . import _json
from ._connection import is_visible
from ._json import Number
from .denied import Denied, Reason
from .payload import Payload

#: The longest operation id: that of an ``Idempotency-Key``.
_MAX_OPERATION = 255


class Ask:
    """A request in the making.

    ``username`` or ``group`` asks that person or group alone, as far as the rule allows it.
    ``expires_in`` gives that many seconds to decide; else it is what the rule says.

    ``operation`` is the caller's own id of the operation, the same whenever it is tried again. Only
    a gate with a journal takes one, since without it a second try would act a second time.
    """

    __slots__ = ("_action", "_expires_in", "_group", "_operation", "_payload", "_username")

    def __init__(
        self,
        action: str,
        payload: Payload | object,
        *,
        username: str | None = None,
        group: str | None = None,
        expires_in: int | None = None,
        operation: str | None = None,
    ) -> None:
        self._action = _text("action", action)
        self._payload = payload if isinstance(payload, Payload) else Payload.of(payload)
        if username is not None and group is not None:
            raise Denied(Reason.INVALID, "either one person is asked or one group, not both")
        self._username = None if username is None else _text("username", username)
        self._group = None if group is None else _text("group", group)
        if expires_in is not None and (type(expires_in) is not int or expires_in < 0):
            raise Denied(Reason.INVALID, "expires_in is a whole number of seconds")
        self._expires_in = expires_in
        if operation is not None and not _is_operation(operation):
            message = "the id of the operation is not 1 to 255 visible ASCII characters"
            raise Denied(Reason.INVALID, message)
        self._operation = operation

    @property
    def action(self) -> str:
        """The action that is asked for."""
        return self._action

    @property
    def payload(self) -> Payload:
        """What people are asked to approve."""
        return self._payload

    @property
    def operation(self) -> str | None:
        """The caller's own id of the operation."""
        return self._operation

    def to_json(self) -> bytes:
        """The body of the request."""
        members: dict[str, Any] = {
            "action": self.action,
            # A payload in its canonical form reads as itself.
            "payload": _json.parse(self.payload.data),
        }
        if self._group is not None:
            members["group"] = self._group
        if self._username is not None:
            members["username"] = self._username
        if self._expires_in is not None:
            members["expiresIn"] = Number(str(self._expires_in))
        return _json.to_text(members).encode("utf-8")


def _text(name: str, text: object) -> str:
    if isinstance(text, str):
        try:
            text.encode("utf-8")
            return str.__str__(text)
        except UnicodeEncodeError:
            pass
    raise Denied(Reason.INVALID, f"{name} is not a text")


def _is_operation(operation: object) -> bool:
    return isinstance(operation, str) and len(operation) <= _MAX_OPERATION and is_visible(operation)
