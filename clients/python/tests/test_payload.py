"""A payload has one form, and nothing in it is ever rewritten."""

from __future__ import annotations

import enum
import json
import random
import struct
import unittest
from decimal import Decimal
from typing import Any

from cosignet_gate import Denied, Payload, Reason, _json, _number


def refused(payload: Any) -> Denied:
    try:
        made = Payload.parse(payload) if isinstance(payload, bytes) else Payload.of(payload)
    except Denied as denied:
        assert denied.reason is Reason.INVALID
        return denied
    raise AssertionError(f"taken: {made.data!r}")


class Texts(unittest.TestCase):
    def test_layout_does_not_matter(self) -> None:
        canonical = '{"a":[1,19.99,-0.5,true,null],"b":"é\\n","z":{"x":"","y":1e+21}}'
        for text in (
            canonical,
            ' { "z" : {"y":1e+21,"x":""}, "b":"\\u00e9\\u000a",\n'
            '"a":[ 1,19.99, -0.5,true,null] }\n',
        ):
            self.assertEqual(Payload.parse(text).data.decode(), canonical)
        for text in ("null", '""', "0", "[]", "{}", "false"):
            self.assertEqual(Payload.parse(text).data.decode(), text)

    def test_keys_are_in_the_order_of_utf_16(self) -> None:
        keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
        payload = json.loads(Payload.of({key: 0 for key in keys}).data)
        order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
        self.assertEqual(list(payload), order)

    def test_a_number_is_never_rewritten(self) -> None:
        for good in (
            "0 1 -1 19.99 10.5 9007199254740992 9007199254740994 1e+21 1e-7 0.000001 -0.5 "
            "100000000000000000000 1.7976931348623157e+308 5e-324"
        ).split():
            self.assertEqual(Payload.parse(good).data.decode(), good)
        for bad, expected in (
            ("1.0", '1, or "1.0" as text'),
            ("1e2", '100, or "1e2" as text'),
            ("1E+21", '1e+21, or "1E+21" as text'),
            ("10.50", '10.5, or "10.50" as text'),
            ("-0", '0, or "-0" as text'),
            ("0.0000001", '1e-7, or "0.0000001" as text'),
            ("1000000000000000000000", '1e+21, or "1000000000000000000000" as text'),
            ("9007199254740993", '"9007199254740993" as text'),
            ("18446744073709551615", '"18446744073709551615" as text'),
            ("1e400", '"1e400" as text'),
            ("1e-400", '"1e-400" as text'),
            ("1e999999999999999999999", '"1e999999999999999999999" as text'),
        ):
            denied = refused(b'{"to":[{"amount":%s}]}' % bad.encode())
            self.assertIn("$.to[0].amount", denied.message)
            self.assertEqual(denied.expected, expected)
            self.assertEqual(denied.found, bad)
        Payload.parse('["1.0","1e2","10.50","9007199254740993"]')

    def test_a_key_stands_once(self) -> None:
        for text, path in (
            (b'{"a":1,"a":1}', "$.a"),
            (b'{"x":{"b":[{"a":1,"c":{},"\\u0061":2}]},"a":1}', "$.x.b[0].a"),
            (b'{"x":[[],{"a b":"}","a b":"{"}]}', '$.x[1]["a b"]'),
        ):
            self.assertIn(f"the key of {path} stands twice", refused(text).message)

    def test_other_faults_are_those_of_a_strict_reader(self) -> None:
        for text in (
            b'{"a":[1,"\\ud800"]}',
            b'"\\ud800\\u0041"',
            b'"\\udc00"',
            b'"\\uD83D"',
            b'"\\uDC00\\uDC00"',
            b'"\\uD83D\\n"',
            b'{"a":"\x00"}',
            b'{"a":"\n"}',
            b'{"a":tru}',
            b'{"a":1}x',
            b'{"a":1,}',
            b'{"a" 1}',
            b"{a:1}",
            b"{,}",
            b"[1,]",
            b"[1 2]",
            b"[1x2]",
            b'{"a":1x"b":2}',
            b'{"a"=1}',
            b"{'a\":1}",
            b'"\nn"',
            b'"\\x0041"',
            b"[,1]",
            b"[",
            b'{"a":',
            b'"a',
            b'"\\x"',
            b'"\\u00g0"',
            b"",
            b" ",
            b"\xef\xbb\xbf1",
            b'{"a":"\xff"}',
            b"\xed\xa0\x80",
            b"01",
            b"+1",
            b".5",
            b"1.",
            b"1e",
            b"0x1",
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"'a'",
            b"/**/1",
            b"\xc2\xa01",
            "\u0661".encode(),
            b"amount=25",
        ):
            self.assertIn("the payload is not strict JSON", refused(text).message, text)
        others: list[Any] = ["\ud800", 5, None, {}]
        for other in others:
            with self.assertRaises(Denied):
                Payload.parse(other)

    def test_a_byte_order_mark_is_named(self) -> None:
        self.assertIn("a byte order mark", refused(b"\xef\xbb\xbf1").message)
        self.assertEqual(Payload.parse('"\\uD83D\\uDE00"').data, b'"\xf0\x9f\x98\x80"')

    def test_limits_are_kept(self) -> None:
        for one in (b"1", b"{}"):
            Payload.parse(b"[" + b",".join([one] * 256) + b"]")
            self.assertIn("more fields", refused(b"[" + b",".join([one] * 257) + b"]").message)
        longest = 512 * 1024
        Payload.parse(b'"' + b"x" * (longest - 2) + b'"')
        blanks = b" " * longest + b"1"
        for payload in (b'"' + b"x" * (longest - 1) + b'"', "x" * (longest - 1), blanks):
            self.assertIn("too long", refused(payload).message)
        Payload.parse(b"[" * 64 + b"]" * 64)
        self.assertIn("inside each other", refused(b"[" * 65).message)
        deep: Any = [1]
        for _ in range(63):
            deep = [deep]
        Payload.of(deep)
        self.assertIn("inside each other", refused([deep]).message)
        cyclic: Any = []
        cyclic.append(cyclic)
        self.assertIn("inside each other", refused(cyclic).message)
        many = b"[" + b",".join([b"1"] * _json.MAX_VALUES) + b"]"
        with self.assertRaises(_json.JsonError):
            _json.parse(many)


class Values(unittest.TestCase):
    def test_a_value_has_one_text(self) -> None:
        class Currency(str, enum.Enum):
            EUR = "EUR"

        for value, text in (
            ({"b": (1, 2.5, True, None), "a": Currency.EUR}, '{"a":"EUR","b":[1,2.5,true,null]}'),
            (25.0, "25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e+21"),
            (10**20, "100000000000000000000"),
            ("\u2028\x7f\x1f/", '"\u2028\x7f\\u001f/"'),
        ):
            self.assertEqual(Payload.of(value).data.decode(), text)

    def test_what_has_no_exact_form_is_refused(self) -> None:
        for value in (
            2**53 + 1,
            -(2**53) - 1,
            10**21,
            10**5000,
            float("nan"),
            float("inf"),
            -0.0,
            Decimal("10.50"),
            b"bytes",
            {1: "a"},
            {"a": {1, 2}},
            "\ud800",
            {"\udc00": 1},
            object(),
        ):
            refused(value)

    def test_a_refusal_says_where_and_what(self) -> None:
        for value, found in ((float("nan"), "nan"), (-0.0, "-0.0"), (b"", "a bytes")):
            denied = refused({"a": [value]})
            self.assertEqual(denied.found, found)
            self.assertIn("$.a[0]", denied.message)

    def test_only_these_two_make_payloads(self) -> None:
        with self.assertRaises(TypeError):
            Payload(object(), b"1.0")


class Numbers(unittest.TestCase):
    def test_writes_the_samples_of_rfc_8785(self) -> None:
        # Appendix B.
        for bits, expected in (
            (0x0000000000000000, "0"),
            (0x8000000000000000, "0"),
            (0x0000000000000001, "5e-324"),
            (0x8000000000000001, "-5e-324"),
            (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
            (0xFFEFFFFFFFFFFFFF, "-1.7976931348623157e+308"),
            (0x4340000000000000, "9007199254740992"),
            (0xC340000000000000, "-9007199254740992"),
            (0x4430000000000000, "295147905179352830000"),
            (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
            (0x44B52D02C7E14AF6, "1e+23"),
            (0x44B52D02C7E14AF7, "1.0000000000000001e+23"),
            (0x444B1AE4D6E2EF4E, "999999999999999700000"),
            (0x444B1AE4D6E2EF4F, "999999999999999900000"),
            (0x444B1AE4D6E2EF50, "1e+21"),
            (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
            (0x3EB0C6F7A0B5ED8D, "0.000001"),
            (0x41B3DE4355555553, "333333333.3333332"),
            (0x41B3DE4355555554, "333333333.33333325"),
            (0x41B3DE4355555555, "333333333.3333333"),
            (0x41B3DE4355555556, "333333333.3333334"),
            (0x41B3DE4355555557, "333333333.33333343"),
            (0xBECBF647612F3696, "-0.0000033333333333333333"),
            (0x43143FF3C1CB0959, "1424953923781206.2"),
        ):
            (double,) = struct.unpack(">d", struct.pack(">Q", bits))
            self.assertEqual(_number.of_double(double), expected)
            self.assertEqual(_number.canonical(expected), expected)

    def test_of_two_texts_that_are_equally_near_the_even_one_is_taken(self) -> None:
        chance = random.Random(1)
        for _ in range(1000):
            # Doubles are a quarter apart here: one digit behind the point tells them apart.
            whole = chance.randrange(1 << 50, 1 << 51)
            for quarter, digit in (("25", "2"), ("75", "8"), ("5", "5")):
                self.assertEqual(_number.canonical(f"{whole}.{quarter}"), f"{whole}.{digit}")

    def test_reads_back_as_the_same_double(self) -> None:
        chance = random.Random(2)
        for _ in range(5000):
            bits = chance.getrandbits(64)
            (double,) = struct.unpack(">d", struct.pack(">Q", bits))
            if double - double != 0:
                continue
            text = _number.of_double(double)
            self.assertEqual(float(text), double)
            self.assertEqual(_number.canonical(text), text)
