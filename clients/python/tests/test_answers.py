"""One value has one spelling, and what a gate says is read or denied."""

from __future__ import annotations

import unittest
from typing import Any

import scripted
from scripted import Script

from cosignet_gate import Ask, Denied, Reason, _time
from cosignet_gate._members import Members, Wrong


class Spellings(unittest.TestCase):
    def test_a_hash_is_in_lower_case_hex(self) -> None:
        self.assertEqual(Members({"x": "0a" * 32}).hash("x"), "0a" * 32)
        for bad in ("", "0A" * 32, "0a" * 31, "0a" * 33, "0g" * 32, "0a" * 32 + "\n"):
            with self.assertRaises(Wrong):
                Members({"x": bad}).hash("x")

    def test_an_id_is_a_uuid_in_lower_case(self) -> None:
        id = "ad1b9de9-1051-4527-b407-147d7a055690"
        self.assertEqual(Members({"x": id}).uuid("x"), id)
        for bad in ("", id.upper(), id[1:], id + "\n", id.replace("-", ""), "../x"):
            with self.assertRaises(Wrong):
                Members({"x": bad}).uuid("x")

    def test_base64url_has_one_spelling(self) -> None:
        for text, data in (("", b""), ("AQ", b"\x01"), ("-_8", b"\xfb\xff")):
            self.assertEqual(Members({"x": text}).bytes("x"), data)
        for bad in ("AQ==", "AR", "A", "A Q", "AQ\n", "-_+/", "+/8", "ÄQ", "AQ\x00"):
            with self.assertRaises(Wrong):
                Members({"x": bad}).bytes("x")

    def test_a_time_has_24_characters(self) -> None:
        for text, millis in (
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:34:56.789Z", 951_827_696_789),
            ("2026-11-21T20:45:00.001Z", 1_795_293_900_001),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ):
            self.assertEqual(Members({"x": text}).time("x"), millis)
            self.assertEqual(_time.write(millis), text)
        self.assertEqual(_time.write(1 << 60), "9999-12-31T23:59:59.999Z")
        for bad in (
            "",
            "2026-11-21T20:45:00Z",
            "2026-11-21T20:45:00.000+00:00",
            "2026-11-21t20:45:00.000Z",
            "2026-11-21 20:45:00.000Z",
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-11-21T24:00:00.000Z",
            "2026-11-21T23:59:60.000Z",
            "2026-11-21T23:59:61.000Z",
            "1969-12-31T23:59:59.999Z",
            "0000-01-01T00:00:00.000Z",
            "+026-11-21T20:45:00.000Z",
            "2026-11-21T20:45:00.0001Z",
            "2026-11-21T20:45:00.000Z\n",
            "٢٠٢٦-11-21T20:45:00.000Z",
        ):
            with self.assertRaises(Wrong, msg=bad):
                Members({"x": bad}).time("x")

    def test_a_clock_goes_on_by_itself(self) -> None:
        clock = _time.Clock(1000)
        first = clock.now()
        self.assertGreaterEqual(first, 1000)
        self.assertLess(first, 60_000)
        self.assertGreaterEqual(clock.now(), first)


class Answers(unittest.TestCase):
    def denied(self, **members: Any) -> Denied:
        """Why a request is denied of which the gate says this."""
        case = {"answers": {"create": [{"status": 201, "body": "seen", "set": members}]}}
        with Script(case) as script, self.assertRaises(Denied) as caught:
            scripted.gate(script.url, None).request(Ask("wire_transfer", scripted.payload()))
        return caught.exception

    def test_a_member_of_another_kind_is_a_bad_answer(self) -> None:
        for members in (
            {"id": None},
            {"id": 1},
            {"url": None},
            {"url": ["https://gate.example"]},
            {"status": True},
            {"createdAt": 0},
            {"expiresAt": "soon"},
            {"payloadHash": "00"},
            {"payloadHash": "AB" * 32},
        ):
            self.assertEqual(self.denied(**members).reason, Reason.BAD_ANSWER, members)

    def test_those_who_refused_are_a_list_of_texts(self) -> None:
        for names in ("bob", [1], [["bob"]], {"bob": 1}, None):
            denied = self.denied(status="rejected", refusedBy=names)
            self.assertEqual(denied.reason, Reason.BAD_ANSWER, names)
