"""What is to be approved: the bytes that people see and sign.

White space and the order of members do not matter. Numbers do: a program that reads ``10.50``,
``1e2`` or 9007199254740993 may write ``10.5``, ``100`` and 9007199254740992, and the approval would
be for something that nobody asked for. So a number in a text has to stand in its RFC 8785 form
already, and nothing is ever rewritten.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Union

from . import _json, _number
from ._json import Number, path_of
from ._shown import quote
from .denied import Denied, Reason

#: The longest payload, in bytes.
MAX_BYTES = 512 * 1024

#: The most values that hold no others: more than that nobody looks through.
MOST_FIELDS = 256

_SEAL = object()

_LESS = "Send what people have to decide about, and the hash of the rest."

Steps = list[Union[str, int]]


class Payload:
    """A payload in its canonical form (RFC 8785)."""

    __slots__ = ("_data",)

    def __init__(self, seal: object, data: bytes) -> None:
        if seal is not _SEAL:
            raise TypeError("Payload.of(value) and Payload.parse(text) make payloads")
        self._data = data

    @classmethod
    def of(cls, value: object) -> Payload:
        """The payload of a value out of dicts, lists, strings, numbers, booleans and None.

        A float has one exact form. For an amount of money take a text: "10.50".
        """
        return cls._of(_tree(value, []))

    @classmethod
    def parse(cls, text: bytes | str) -> Payload:
        """The payload in a JSON text."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if not isinstance(data, bytes):
            message = f"a {type(text).__name__} is no JSON text"
            next = "Give bytes or a str; Payload.of takes values."
            raise Denied(Reason.INVALID, message, next=next)
        if len(data) > MAX_BYTES:
            raise _too_long(len(data))
        try:
            return cls._of(_json.parse(data))
        except _json.DuplicateKey as error:
            message = (
                f"the key of {error.path} stands twice in one object, and readers differ in "
                "which one they take"
            )
            next = "Write the member once."
            raise Denied(Reason.INVALID, message, next=next) from None
        except _json.TooDeep:
            raise _too_deep() from None
        except _json.JsonError as error:
            message = f"the payload is not strict JSON: {error}"
            next = "Write the payload with a JSON library, in UTF-8 without a byte order mark."
            raise Denied(Reason.INVALID, message, next=next) from None

    @classmethod
    def _of(cls, tree: Any) -> Payload:
        data = _json.to_text(tree).encode("utf-8")
        if len(data) > MAX_BYTES:
            raise _too_long(len(data))
        if _fields(tree, []) > MOST_FIELDS:
            message = "the payload has more fields than people can be asked to look through"
            expected = f"at most {MOST_FIELDS} fields"
            raise Denied(Reason.INVALID, message, expected=expected, next=_LESS)
        return cls(_SEAL, data)

    @property
    def data(self) -> bytes:
        """The bytes that are hashed and signed."""
        return self._data

    @property
    def sha256(self) -> str:
        """The hash that every approval of it names, in hex."""
        return hashlib.sha256(self._data).hexdigest()


def _tree(value: object, steps: Steps) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, steps)
    if isinstance(value, int):
        # Beyond that no whole number is written in plain digits.
        if abs(value) >= 10**21:
            raise _refused(steps, "a whole number of more than 21 digits")
        return Number(int.__repr__(value))
    if isinstance(value, float):
        if not math.isfinite(value) or str(float(value)) == "-0.0":
            raise _refused(steps, float.__repr__(value))
        return Number(_number.of_double(value))
    if len(steps) >= _json.MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, (list, tuple)):
        return [_tree(item, [*steps, i]) for i, item in enumerate(value)]
    if isinstance(value, dict):
        tree = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise _refused(steps, f"a key that is a {type(key).__name__}")
            tree[_text(key, steps)] = _tree(item, [*steps, str(key)])
        return tree
    raise _refused(steps, f"a {type(value).__name__}")


def _text(text: str, steps: Steps) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(steps, "a text with a lone surrogate") from None
    return str.__str__(text)


def _fields(tree: Any, steps: Steps) -> int:
    """How many values hold no others; a number that is not in its one form is refused."""
    if isinstance(tree, Number):
        _require_canonical(tree.token, steps)
    if isinstance(tree, list) and tree:
        return sum(_fields(item, [*steps, i]) for i, item in enumerate(tree))
    if isinstance(tree, dict) and tree:
        return sum(_fields(item, [*steps, key]) for key, item in tree.items())
    return 1


def _require_canonical(token: str, steps: Steps) -> None:
    number = _number.canonical(token)
    if number == token:
        return
    as_text = quote(token)
    expected, next = f"{as_text} as text", f"Write it as text: {as_text}."
    if number is None:
        next += " Many programs cannot read such a number."
    elif _number.is_same(number, token):
        expected = f"{number}, or {expected}"
        next = f"Write {number}; if the digits matter as they stand, write them as text: {as_text}."
    else:
        next += f" As a number, many programs would read {number}."
    message = f"the number {path_of(steps)} is not in the form that RFC 8785 gives it"
    found = token if len(token) <= 200 else as_text
    raise Denied(Reason.INVALID, message, expected=expected, found=found, next=next)


def _refused(steps: Steps, found: str) -> Denied:
    message = f"the payload cannot be written as JSON that every reader takes alike: {found} in "
    next = "Write it as text."
    return Denied(Reason.INVALID, message + path_of(steps), found=found, next=next)


def _too_deep() -> Denied:
    message = "the payload has too many arrays and objects inside each other"
    return Denied(Reason.INVALID, message, expected="at most 64 levels", next=_LESS)


def _too_long(length: int) -> Denied:
    message = "the payload is too long in its canonical form"
    expected, found = f"at most {MAX_BYTES} bytes", f"{length} bytes"
    return Denied(Reason.INVALID, message, expected=expected, found=found, next=_LESS)
