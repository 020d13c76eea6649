"""Members of a JSON object, read into types."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from . import _json, _time
from ._shown import quote

_HASH = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Wrong(Exception):
    """A member that does not fit: where, and what is wrong there."""

    def __init__(
        self, place: str, fault: str, expected: str | None = None, found: str | None = None
    ) -> None:
        super().__init__(f"{place}: {fault}")
        self.expected = expected
        self.found = found


def is_uuid(text: str) -> bool:
    """Whether a text is a lower-case UUID in its 36-character form."""
    return _UUID.fullmatch(text) is not None


class Members:
    """The members of one object."""

    def __init__(self, value: Any, place: str = "") -> None:
        if not isinstance(value, dict):
            found = _json.kind(value)
            raise Wrong(place or "the document", f"expected an object, found {found}")
        self._object = value
        self._place = place

    def value(self, key: str) -> Any:
        """Any value."""
        if key not in self._object:
            raise Wrong(self._path(key), "missing")
        return self._object[key]

    def has(self, key: str) -> bool:
        """Whether there is such a key."""
        return key in self._object

    def text(self, key: str) -> str:
        """A string."""
        value = self.value(key)
        if not isinstance(value, str):
            found = _json.kind(value)
            raise Wrong(self._path(key), f"expected a string, found {found}")
        return value

    def texts(self, key: str) -> list[str]:
        """The items of an array of strings."""
        value = self.value(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Wrong(self._path(key), "expected an array of strings")
        return value

    def uuid(self, key: str) -> str:
        """A lower-case UUID."""
        text = self.text(key)
        if not is_uuid(text):
            raise self.wrong(key, "a lower-case UUID", text)
        return text

    def hash(self, key: str) -> str:
        """A SHA-256 in 64 lower-case hex digits."""
        text = self.text(key)
        if not _HASH.fullmatch(text):
            raise self.wrong(key, "64 lower-case hex digits", text)
        return text

    def time(self, key: str) -> int:
        """A time of 24 characters."""
        text = self.text(key)
        time = _time.parse(text)
        if time is None:
            raise self.wrong(key, "YYYY-MM-DDTHH:MM:SS.sssZ", text)
        return time

    def bytes(self, key: str) -> bytes:
        """Strict base64url without padding."""
        text = self.text(key)
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            data = b""
        # One text for the same bytes: no padding, no other alphabet, no bits left over.
        if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
            raise Wrong(self._path(key), "not base64url without padding")
        return data

    def members(self, key: str) -> Members:
        """The members of an object."""
        return Members(self.value(key), self._path(key))

    def wrong(self, key: str, expected: str, text: str) -> Wrong:
        """What the text under a key should have been."""
        found = quote(text)
        return Wrong(self._path(key), f"expected {expected}, found {found}", expected, found)

    def _path(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key
