"""Text from outside, fit for people to read: the gate's words, names, paths.

::

    plain   one word of ASCII letters, digits and . _ / - + @ : stays as it is, all else is quoted
    quote   between double quotes, at most 200 characters, whatever is not shown as itself escaped
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200

_PLAIN = re.compile(r"[A-Za-z0-9._/\-+@:]{1,200}")

#: Characters that print as nothing although their category has pictures:
#: Default_Ignorable_Code_Point, and pictures of nothing that no property tells from others.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\ufffc\uffa0"
    "\U000133fc\U00013441\U00013442\U0001d159\U000e0000-\U000e0fff]"
)

#: More marks than languages put on one character reach into other lines.
_MOST_MARKS = 4

#: More blanks than typing errors make could push what follows into another line.
_MOST_BLANKS = 2

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def plain(text: str) -> str:
    """``text`` as it is if it is one plain word, else quoted."""
    return text if _PLAIN.fullmatch(text) else quote(text)


def quote(text: str) -> str:
    """``text`` between double quotes, safe to print."""
    out = []
    base, marks, blanks = False, 0, 0
    for character in text[:LONGEST]:
        if character in _ESCAPES:
            out.append(_ESCAPES[character])
            base, marks = False, 0
        elif character == " " and blanks < _MOST_BLANKS:
            out.append(character)
            base, marks, blanks = False, 0, blanks + 1
        elif character == " " or _is_hidden(character):
            out.append(_code(character))
            base, marks = False, 0
        elif unicodedata.category(character).startswith("M"):
            if base and marks < _MOST_MARKS:
                out.append(character)
                marks += 1
            else:
                out.append(_code(character))
                base, marks = False, 0
        else:
            out.append(character)
            base, marks, blanks = not character.isascii() or character.isalnum(), 0, 0
    more = len(text) - LONGEST
    end = f" and {more} characters more" if more > 0 else ""
    return '"' + "".join(out) + '"' + end


def _is_hidden(character: str) -> bool:
    # What Python does not print is Cc, Cf, Cn, Co, Cs, Zl, Zp and Zs without the space.
    return not character.isprintable() or _INVISIBLE.match(character) is not None


def _code(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"
