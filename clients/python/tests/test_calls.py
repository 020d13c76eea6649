"""What callers can get wrong, what a network can, and that both end in a denial."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import unittest
from functools import partial
from typing import Any, Callable
from unittest import mock

import scripted
from scripted import CASES, Folder, Script

from cosignet_gate import Approved, Ask, Asking, AsyncGate, Denied, Gate, Keys, Reason
from cosignet_gate._connection import Call, Connection
from cosignet_gate._http import Exchange, NoAnswer
from cosignet_gate._shown import plain, quote
from cosignet_gate._steps import drive


class Callers(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder()
        self.addCleanup(self.folder.cleanup)

    def asked(self) -> dict[str, Any]:
        return {"action": "wire_transfer", "payload": scripted.payload()}

    def invalid(self, call: Callable[[], Any]) -> Denied:
        with self.assertRaises(Denied) as caught:
            call()
        self.assertEqual(caught.exception.reason, Reason.INVALID)
        return caught.exception

    def test_an_address_is_a_plain_one(self) -> None:
        urls: tuple[Any, ...] = (
            "",
            "gate.example",
            "ftp://gate.example",
            "http://",
            "https://gate.example?a",
            "https://gate.example#a",
            "https://gate.example?",
            "https://gate.example#",
            "https://:secret@gate.example",
            "https://gate.example:port",
            "https://gate.example:99999",
            "https://gate.example/a b",
            "https://gate.example/\n",
            "https://gäte.example",
            "https://user@gate.example",
            "https://user:secret@gate.example",
            "ftp://user:secret@gate.example",
            "https://user:secret@gate.example?a",
            None,
        )
        for url in urls:
            denied = self.invalid(partial(Gate, url, "key", None))
            self.assertNotIn("secret", str(denied))
        Gate("https://gate.example:8443/behind/a/proxy/", "key", None)

    def test_a_key_is_a_line(self) -> None:
        keys: list[Any] = ["", " ", "a b", "a\nb", "ä", 1]
        for key in keys:
            self.invalid(partial(Gate, "https://gate.example", key, None))
        Gate("https://gate.example", "key\n", None)
        self.assertNotIn("secret", repr(Keys.both("secret")))

    def test_patience_has_an_end(self) -> None:
        others: list[Any] = [-1, float("inf"), float("nan"), "1", None]
        for patience in others:
            self.invalid(partial(Gate, "https://gate.example", "key", None, patience=patience))
        Gate("https://gate.example", "key", None, patience=0)

    def test_a_gate_that_fails_is_not_asked_all_the_time(self) -> None:
        case = {"answers": {"create": [{"status": 503, "text": ""}]}}
        with Script(case) as script:
            gate = scripted.gate(script.url, None, patience=1.0)
            begun = time.monotonic()
            with self.assertRaises(Denied) as caught:
                gate.request(Ask("wire_transfer", scripted.payload()))
            self.assertEqual(caught.exception.reason, Reason.UNREACHABLE)
            # The pauses are 0.2 and 0.4 seconds; the next one would outlast the patience.
            self.assertGreater(time.monotonic() - begun, 0.5)
            self.assertLessEqual(len(script.calls["create"]), 3)

    def test_a_request_is_well_formed(self) -> None:
        for make in (
            lambda: Ask("a", {}, username="ann", group="finance"),
            lambda: Ask("a", {}, expires_in=-1),
            lambda: Ask("a", {}, expires_in=1.5),  # type: ignore[arg-type]
            lambda: Ask("a", {}, expires_in=True),
            lambda: Ask("a", {}, operation=""),
            lambda: Ask("a", {}, operation="a b"),
            lambda: Ask("a", {}, operation="x" * 256),
            lambda: Ask("\ud800", {}),
            lambda: Ask(1, {}),  # type: ignore[arg-type]
        ):
            self.invalid(make)
        ask = Ask("a", {"b": 1}, group="finance", expires_in=60, operation="x" * 255)
        with self.assertRaises(AttributeError):
            ask.payload = scripted.payload()  # type: ignore[misc]
        expected = b'{"action":"a","expiresIn":60,"group":"finance","payload":{"b":1}}'
        self.assertEqual(ask.to_json(), expected)
        ask = Ask("a", None, username="ann")
        self.assertEqual(ask.to_json(), b'{"action":"a","payload":null,"username":"ann"}')

    def test_an_act_is_a_function_that_is_done_when_it_returns(self) -> None:
        async def act(_: Approved) -> None:
            raise AssertionError("it ran")

        ask = self.asked()
        nothing: Any = None
        with Script() as script:
            gate = scripted.gate(script.url, self.folder.policy())
            self.invalid(lambda: gate.run(act=act, **ask))
            self.invalid(lambda: gate.run(act=nothing, **ask))
            other = scripted.client(AsyncGate, script.url, self.folder.policy())
            self.invalid(lambda: asyncio.run(other.run(act=nothing, **ask)))
            self.assertEqual(script.calls["create"], [])
            asking = gate.request(Ask("wire_transfer", scripted.payload()))
            self.invalid(lambda: gate.act(asking, act))
            self.invalid(lambda: gate.act(asking, nothing))
            self.invalid(lambda: asyncio.run(other.act(asking, nothing)))
            self.assertEqual(script.calls["claim"], [])
            # One that hides it is not reported as done.
            with self.assertRaises(TypeError):
                gate.run(act=lambda approved: act(approved), **ask)
            self.assertEqual(script.outcomes, ["failed"])

    def test_an_exception_of_the_act_is_reported_and_raised(self) -> None:
        ask = self.asked()

        def fail(_: Approved) -> None:
            raise KeyError("the act")

        async def fail_later(_: Approved) -> None:
            raise KeyError("the act")

        with Script() as script:
            gate = scripted.gate(script.url, self.folder.policy())
            with self.assertRaises(KeyError):
                gate.run(act=fail, **ask)
            other = scripted.client(AsyncGate, script.url, self.folder.policy())
            with self.assertRaises(KeyError):
                asyncio.run(other.run(act=fail_later, **ask))
            self.assertEqual(script.outcomes, ["failed", "failed"])
        with Script({"answers": {"result": [{"status": 409, "text": ""}]}}) as script:
            gate = scripted.gate(script.url, self.folder.policy())
            with self.assertLogs("cosignet_gate", "WARNING"), self.assertRaises(KeyError):
                gate.run(act=fail, **ask)

    def test_a_request_can_be_found_again(self) -> None:
        id = CASES["bodies"]["seen"]["id"]
        ask = Ask("wire_transfer", scripted.payload())
        ran: list[Approved] = []
        with Script() as script:
            gate = scripted.gate(script.url, self.folder.policy())
            others: list[Any] = ["", "../x", id.upper(), id + "\n", 1]
            for bad in others:
                self.invalid(partial(gate.find, bad, ask))
            self.assertEqual(script.calls["look"], [])
            gate.act(gate.find(id, ask), ran.append)
            with self.assertRaises(Denied) as caught:
                gate.find("00000000-0000-4000-8000-000000000000", ask)
            self.assertEqual(caught.exception.reason, Reason.OTHER_REQUEST)
            with self.assertRaises(Denied) as caught:
                gate.find(id, Ask("wire_transfer", {"amount": "9999.00"}))
            self.assertEqual(caught.exception.reason, Reason.OTHER_PAYLOAD)
        self.assertEqual(len(ran), 1)

    def test_a_status_that_is_no_success_is_none_whatever_the_body(self) -> None:
        approved = {"body": "seen", "set": {"status": "approved"}}
        ask = Ask("wire_transfer", scripted.payload())
        for status in (202, 206, 304, 404, 410):
            with Script({"answers": {"look": [{"status": status, **approved}]}}) as script:
                gate = scripted.gate(script.url, self.folder.policy())
                asking = gate.request(ask)
                for call in (partial(gate.claim, asking), partial(gate.find, asking.id, ask)):
                    with self.assertRaises(Denied) as caught:
                        call()
                    self.assertEqual(caught.exception.reason, Reason.BAD_ANSWER)
                self.assertEqual(script.calls["claim"], [])

    def test_people_can_be_told_where_they_decide(self) -> None:
        told: list[str] = []

        def tell(asking: Asking) -> None:
            told.append(asking.url)
            raise KeyError("the telling")

        async def act(_: Approved) -> None:
            raise AssertionError("it ran")

        with Script() as script:
            gate = scripted.gate(script.url, self.folder.policy())
            with self.assertRaises(KeyError):
                gate.run(asked=tell, act=lambda _: None, **self.asked())
            other = scripted.client(AsyncGate, script.url, self.folder.policy())
            with self.assertRaises(KeyError):
                asyncio.run(other.run(asked=tell, act=act, **self.asked()))
            self.assertEqual(script.calls["look"], [])
        self.assertEqual(told, [CASES["bodies"]["seen"]["url"]] * 2)

    def test_a_call_that_is_cancelled_ends_and_claims_nothing(self) -> None:
        with Script() as script:
            script.silent.set()
            gate = scripted.client(AsyncGate, script.url, self.folder.policy())

            async def act(_: Approved) -> None:
                raise AssertionError("it ran")

            async def run() -> float:
                running = asyncio.ensure_future(
                    gate.run(action="wire_transfer", payload=scripted.payload(), act=act)
                )
                while not script.calls["look"]:
                    await asyncio.sleep(0.02)
                running.cancel()
                begun = time.monotonic()
                with self.assertRaises(asyncio.CancelledError):
                    await running
                return time.monotonic() - begun

            self.assertLess(asyncio.run(run()), 5)
            script.silent.clear()
            time.sleep(0.3)
            self.assertEqual(script.calls["claim"], [])

    def test_many_wait_beside_each_other(self) -> None:
        with Script() as script:
            script.silent.set()

            async def act(approved: Approved) -> str:
                return approved.request_id

            async def run() -> list[Any]:
                gate = scripted.client(AsyncGate, script.url, self.folder.policy())
                ask = self.asked()
                running = [asyncio.ensure_future(gate.run(act=act, **ask)) for _ in range(12)]
                while len(script.calls["look"]) < 12:
                    await asyncio.sleep(0.02)
                script.silent.clear()
                return list(await asyncio.gather(*running))

            ran = asyncio.run(run())
        self.assertEqual([one.unreported for one in ran], [None] * 12)


class Wire(unittest.TestCase):
    """A server that sends these bytes, some of them late."""

    def exchange(
        self, parts: list[bytes], timeout: float = 5.0, pause: float = 0.0, limit: int = 100
    ) -> Any:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    for part in parts:
                        connection.sendall(part)
                        time.sleep(pause)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(listener.close)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        return Exchange(url, {}, None, timeout, limit).run()

    def fails(self, parts: list[bytes], **more: Any) -> str:
        with self.assertRaises(NoAnswer) as caught:
            self.exchange(parts, **more)
        return str(caught.exception)

    def test_an_answer_has_a_length(self) -> None:
        ok = b"HTTP/1.1 200 OK\r\n"
        answer = self.exchange([ok + b"content-length: 2\r\n\r\n{}"])
        self.assertEqual((answer.status, answer.body), (200, b"{}"))
        chunked = b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"
        self.assertEqual(self.exchange([ok + chunked + b"0\r\n\r\n"]).body, b"{}")
        self.fails([ok + b"content-length: 9\r\n\r\n{}"])
        self.fails([ok + chunked])
        self.fails([ok + b"content-length: 101\r\n\r\n" + b"x" * 101])
        self.fails([ok + b"\r\n" + b"x" * 101])
        self.fails([ok + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"])
        self.fails([b"SSH-2.0-OpenSSH\r\n"])
        self.fails([b""])
        # Of a refusal the beginning is enough.
        refused = b"HTTP/1.1 404 Not Found\r\ncontent-length: 99999\r\n\r\n" + b"x" * 99999
        self.assertEqual(len(self.exchange([refused]).body), 16 * 1024)

    def test_what_was_given_up_is_not_asked(self) -> None:
        with Script() as script:
            exchange = Exchange(f"{script.url}/", {}, None, 5.0, 100)
            exchange.abort()
            with self.assertRaises(NoAnswer) as caught:
                exchange.run()
            self.assertIn("was given up", str(caught.exception))
            self.assertEqual(script.calls["look"], [])

    def test_nobody_can_drip_for_ever(self) -> None:
        for parts in (
            [b"HTTP/1.1 200 OK\r\n"] + [b"a: b\r\n"] * 90,
            [b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n"] + [b"x"] * 90,
            [b"HTTP/1.1 200 OK\r\n\r\n"] + [b"x"] * 90,
        ):
            begun = time.monotonic()
            self.assertIn("took too long", self.fails(parts, timeout=0.5, pause=0.1))
            self.assertLess(time.monotonic() - begun, 4)


@unittest.skipIf(shutil.which("openssl") is None, "openssl makes the certificate")
class Tls(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder()
        self.addCleanup(self.folder.cleanup)
        for name in ("localhost", "gate.example"):
            subprocess.run(
                [
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                    "-keyout",
                    f"{name}.key",
                    "-out",
                    f"{name}.pem",
                    "-subj",
                    f"/CN={name}",
                    "-addext",
                    f"subjectAltName=DNS:{name}",
                ],
                cwd=self.folder.path,
                check=True,
                capture_output=True,
            )

    def status(self, shown: str, trusted: str) -> int:
        """Asks a server that shows one certificate, and trusts another one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self.folder.path
        context.load_cert_chain(path / f"{shown}.pem", path / f"{shown}.key")
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve() -> None:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(65536)
                    tls.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://localhost:{listener.getsockname()[1]}"
        with mock.patch.dict(os.environ, SSL_CERT_FILE=str(path / f"{trusted}.pem")):
            connection = Connection(url, Keys.both("key"))
            answer = drive(connection.ask(Call("/x"), time.monotonic()))
        thread.join()
        return answer.status

    def test_a_certificate_has_to_be_trusted_and_of_this_host(self) -> None:
        self.assertEqual(self.status("localhost", "localhost"), 404)
        for shown, trusted in (("localhost", "gate.example"), ("gate.example", "gate.example")):
            with self.assertRaises(Denied) as caught:
                self.status(shown, trusted)
            self.assertEqual(caught.exception.reason, Reason.UNREACHABLE)
            self.assertIn("certificate", caught.exception.message.lower())


class Shown(unittest.TestCase):
    def test_what_a_gate_says_is_fit_to_print(self) -> None:
        for text, shown in (
            ("bob", "bob"),
            ("", '""'),
            ("bob smith", '"bob smith"'),
            ('a"b\\', '"a\\"b\\\\"'),
            ("a\u202eb\n\x1b[31m", '"a\\u{202e}b\\n\\u{1b}[31m"'),
            ("a   b", '"a  \\u{20}b"'),
            ("Zoë e\u0301", '"Zoë e\u0301"'),
            (".\u0301", '".\\u{301}"'),
            ("a" + "\u0301" * 5, '"a' + "\u0301" * 4 + '\\u{301}"'),
            ("\u2800\u3164\u200b", '"\\u{2800}\\u{3164}\\u{200b}"'),
        ):
            self.assertEqual(plain(text), shown)
        self.assertEqual(quote("x" * 201), '"' + "x" * 200 + '" and 1 characters more')

    def test_the_words_of_a_refusal_are_quoted(self) -> None:
        body = {"status": "rejected", "reason": "no\x1b[2J", "refusedBy": ["bob", "ann b"]}
        case = {"answers": {"look": [{"status": 200, "body": "seen", "set": body}]}}
        with Script(case) as script:
            gate = scripted.gate(script.url, None)
            asking = gate.request(Ask("wire_transfer", scripted.payload()))
            with self.assertRaises(Denied) as caught:
                gate.wait(asking)
        denied = caught.exception
        self.assertEqual(denied.message, 'bob, "ann b" refused: "no\\u{1b}[2J"')
        self.assertEqual(denied.code, "denied.refused")
        self.assertIn("denied.refused", str(denied))
