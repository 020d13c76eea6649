"""A strict reader of JSON (RFC 8259), and a writer of its canonical layout (RFC 8785).

Two parsers that disagree about a text are how a human approves one thing and a machine executes
another. So this reader refuses what parsers are known to disagree about: duplicate keys, a byte
order mark, lone surrogates, text that is no UTF-8. It keeps the token of every number instead of a
rounded value. Its work is bounded, and it does not recurse.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ._shown import quote

#: The most arrays and objects that are open at once.
MAX_DEPTH = 64

#: The most values in one text.
MAX_VALUES = 65_536

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CHARACTERS = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_]{1,64}")
_WORDS: tuple[tuple[str, Any], ...] = (("true", True), ("false", False), ("null", None))
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}


@dataclass(frozen=True)
class Number:
    """A number, as the token that was read."""

    token: str


#: None, bool, Number, str, a list of values, or a dict of values by their keys.
Value = Any


class JsonError(Exception):
    """Why a text was refused, and where: ``path`` is that of the value that was being read."""

    def __init__(self, fault: str, path: str, offset: int) -> None:
        super().__init__(f"{fault} at byte {offset}, in {path}")
        self.path = path


class DuplicateKey(JsonError):
    """A key stands twice in one object. ``path`` is that of the member."""


class TooDeep(JsonError):
    """More levels than the reader opens."""


def parse(text: bytes) -> Value:
    """The value in a JSON text."""
    if text.startswith(b"\xef\xbb\xbf"):
        raise JsonError("a byte order mark", "$", 0)
    try:
        return _Reader(text.decode("utf-8")).document()
    except UnicodeDecodeError as error:
        raise JsonError("text that is not UTF-8", "$", error.start) from None


def to_text(value: Value) -> str:
    """The text of a value as RFC 8785 lays it out, except that every number keeps its token."""
    # Recursion is bounded: a value is at most MAX_DEPTH deep.
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, Number):
        return value.token
    if isinstance(value, str):
        # The shortest escapes, and none where none is needed: RFC 8785 §3.2.2.2.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(to_text, value)) + "]"
    if isinstance(value, dict):
        members = sorted(value.items(), key=_order)
        return "{" + ",".join(f"{to_text(k)}:{to_text(v)}" for k, v in members) + "}"
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def path_of(steps: list[str | int]) -> str:
    """A path for people, such as ``$.to[0]``: its beginning, if it is long."""
    out = "$"
    for step in steps:
        if len(out) > 200:
            return out + " …"
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{quote(step)}]"
    return out


def kind(value: Value) -> str:
    """The kind of a value, for messages."""
    if value is None:
        return "null"
    names = {bool: "a boolean", Number: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _order(member: tuple[str, Value]) -> bytes:
    # By UTF-16 code units: RFC 8785 §3.2.3.
    return member[0].encode("utf-16-be")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.values = 0
        #: The arrays and objects that are open, and the place in each that is being read.
        self.open: list[list[Value] | dict[str, Value]] = []
        self.steps: list[str | int] = []

    def document(self) -> Value:
        while True:
            self.space()
            self.count()
            begin = self.next()
            if begin == "{":
                self.enter({})
                if self.next() != "}":
                    self.key()
                    continue
                value = self.leave()
            elif begin == "[":
                self.enter([])
                if self.next() != "]":
                    self.steps.append(0)
                    continue
                value = self.leave()
            else:
                value = self.scalar(begin)
            while self.open:
                if not self.goes_on(value):
                    break
                value = self.leave()
            else:
                self.space()
                if self.at < len(self.text):
                    raise self.error("text behind the value")
                return value

    def goes_on(self, value: Value) -> bool:
        """Puts a value into the innermost array or object; whether that ends here."""
        around = self.open[-1]
        step = self.steps.pop()
        if isinstance(around, list):
            around.append(value)
        else:
            around[str(step)] = value
        self.space()
        follows = self.next()
        if follows == ("]" if isinstance(around, list) else "}"):
            return True
        if follows != ",":
            raise self.error("no comma and no end behind a value")
        self.at += 1
        if isinstance(around, list):
            self.steps.append(len(around))
        else:
            self.space()
            self.key()
        return False

    def enter(self, container: list[Value] | dict[str, Value]) -> None:
        if len(self.open) == MAX_DEPTH:
            raise self.error("more than 64 arrays and objects inside each other", TooDeep)
        self.open.append(container)
        self.at += 1
        self.space()

    def leave(self) -> Value:
        self.at += 1
        return self.open.pop()

    def key(self) -> None:
        if self.next() != '"':
            raise self.error("no key where one has to stand")
        around = self.open[-1]
        key = self.string()
        self.steps.append(key)
        if key in around:
            raise self.error("a key that stands twice in one object", DuplicateKey)
        self.space()
        if self.next() != ":":
            raise self.error("no colon behind a key")
        self.at += 1

    def scalar(self, begin: str) -> Value:
        if begin == '"':
            return self.string()
        for word, value in _WORDS:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        number = _NUMBER.match(self.text, self.at)
        if number is None:
            raise self.error("no value where one has to stand")
        self.at = number.end()
        return Number(number.group())

    def string(self) -> str:
        self.at += 1
        parts = []
        while True:
            run = _CHARACTERS.match(self.text, self.at)
            if run is not None:
                parts.append(run.group())
                self.at = run.end()
            end = self.next()
            if end == '"':
                self.at += 1
                return "".join(parts)
            if end != "\\":
                raise self.error("a string without an end, or a control character in it")
            parts.append(self.escape())

    def escape(self) -> str:
        letter = self.text[self.at + 1 : self.at + 2]
        if letter in _ESCAPES:
            self.at += 2
            return _ESCAPES[letter]
        unit = self.unit()
        if not 0xD800 <= unit < 0xE000:
            return chr(unit)
        low = self.unit() if self.text.startswith("\\u", self.at) else 0
        if unit >= 0xDC00 or not 0xDC00 <= low < 0xE000:
            raise self.error("a lone surrogate")
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))

    def unit(self) -> int:
        digits = _HEX.match(self.text, self.at + 2)
        if not self.text.startswith("\\u", self.at) or digits is None:
            raise self.error("an escape that JSON does not have")
        self.at += 6
        return int(digits.group(), 16)

    def count(self) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.error(f"more than {MAX_VALUES} values")

    def space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        if space is not None:
            self.at = space.end()

    def next(self) -> str:
        """The next character, or nothing."""
        return self.text[self.at : self.at + 1]

    def error(self, fault: str, kind: type = JsonError) -> JsonError:
        offset = len(self.text[: self.at].encode("utf-8"))
        error: JsonError = kind(fault, path_of(self.steps), offset)
        return error
