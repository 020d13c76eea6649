"""The one text of a number: RFC 8785 §3.2.2.3, which is ECMAScript's ``Number::toString``."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation


def canonical(token: str) -> str | None:
    """The text of the double that is nearest to a JSON number; ``None`` if it is too large."""
    double = float(token)
    return of_double(double) if math.isfinite(double) else None


def of_double(double: float) -> str:
    """The text of a finite double."""
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    # The fewest digits that read back: "1.2345e-07", "12.5", "120000.0".
    mantissa, _, power = float.__repr__(abs(double)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The value is 0.digits × 10^point.
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        text = digits + "0" * (point - count)
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        rest = f".{digits[1:]}" if count > 1 else ""
        text = f"{digits[0]}{rest}e{point - 1:+d}"
    return sign + text


def is_same(a: str, b: str) -> bool:
    """Whether two tokens are the same number, compared exactly."""
    try:
        return Decimal(a) == Decimal(b)
    except InvalidOperation:
        return False
