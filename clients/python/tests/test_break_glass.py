"""Break-glass: every case ends as ``gate-client/cases/break-glass.json`` says."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import pathlib
import subprocess
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from tempfile import TemporaryDirectory
from typing import Any, Callable, ClassVar
from unittest import mock

from scripted import ROOT, cosignet

from cosignet_gate import (
    BreakGlass,
    Denied,
    Emergency,
    Gate,
    Payload,
    Reason,
    Settings,
    _own,
    _time,
)
from cosignet_gate._time import Clock

#: As it is, for the tests of it.
PROGRAM = _own.program


def setUpModule() -> None:
    """The command and the scripts of these tests are whoever's runs them."""
    anybodys = mock.patch("cosignet_gate._own.program", lambda path: str(path))
    anybodys.start()
    unittest.addModuleCleanup(anybodys.stop)


CASES: dict[str, Any] = json.loads((ROOT / "gate-client/cases/break-glass.json").read_bytes())


class World:
    """The files of a case, in a folder of their own."""

    def __init__(self, folder: str, case: dict[str, Any]) -> None:
        self.case = {**CASES["usual"], **case}
        path = pathlib.Path(folder)
        journal = self.case.get("journal")
        self.journal = path / "none" / "uses" if journal == "unwritable" else path / "uses"
        if journal is not None and journal != "unwritable":
            self.journal.write_text(journal)
        self.policy = path / "policy.json"
        self.policy.write_text(json.dumps(CASES["policies"][self.case["policy"]]))
        self.settings = {**CASES["settings"][self.case["settings"]], "journal": str(self.journal)}

    def open(self) -> BreakGlass:
        file = CASES["files"][self.case["file"]]
        settings = Settings.in_code(self.settings)
        glass = BreakGlass(file, self.policy, settings, cosignet=cosignet())
        glass._clock = Clock(_time.parse(self.case["now"]))
        return glass

    def events(self) -> list[str]:
        text = self.journal.read_text() if self.journal.exists() else ""
        return [json.loads(line)["event"] for line in text.splitlines()]

    def bytes(self) -> bytes:
        return self.journal.read_bytes() if self.journal.exists() else b""


def faults(case: dict[str, Any]) -> list[str]:
    ran: list[bytes] = []
    during: list[str] = []
    denied: Denied | None = None
    with TemporaryDirectory() as folder:
        world = World(folder, case)
        before = world.bytes()

        def act(emergency: Emergency) -> str:
            ran.append(emergency.payload)
            during.extend(world.events())
            return "acted"

        payload = world.case["payload"]
        try:
            glass = world.open()
            broken = glass.run(action=world.case["action"], payload=Payload.parse(payload), act=act)
            assert broken.result == "acted" and broken.unwritten is None
        except Denied as error:
            denied = error
        found = "ran" if denied is None else denied.code
        checks = [
            ("result", found == case["expect"]),
            ("act", ran == ([payload.encode()] if found == "ran" else [])),
            ("code", (denied.verifier_code if denied else None) == case.get("code")),
        ]
        if "events" in case:
            checks.append(("events", world.events() == case["events"]))
            checks.append(("events before", during == case["events"][:-1]))
        else:
            checks.append(("journal", world.bytes() == before))
    return [f"{case['name']}: {what}: {denied!r}" for what, fits in checks if not fits]


class BreakGlassCases(unittest.TestCase):
    def setUp(self) -> None:
        self.said = io.StringIO()
        redirected = contextlib.redirect_stderr(self.said)
        redirected.__enter__()
        self.addCleanup(redirected.__exit__, None, None, None)

    def test_every_case_ends_as_the_file_says(self) -> None:
        self.assertGreater(len(CASES["cases"]), 30)
        with ThreadPoolExecutor(2) as pool:
            found = [fault for one in pool.map(faults, CASES["cases"]) for fault in one]
        self.assertEqual(found, [], "\n".join(found))
        self.assertIn("WITHOUT AN APPROVAL, signed for by ann, bob", self.said.getvalue())

    def test_what_failed_is_written_down_and_raised(self) -> None:
        with TemporaryDirectory() as folder:
            world = World(folder, {})

            def act(emergency: Emergency) -> None:
                raise KeyError(emergency.use_id)

            with self.assertRaises(KeyError):
                world.open().run(action="payment.send", payload={}, act=act)
            self.assertEqual(world.events(), ["used", "failed"])
            use = Settings.in_code(world.settings).uses.all()[0]
            self.assertEqual((use.outcome, use.signers), ("failed", ["ann", "bob"]))

    def test_nobody_else_makes_an_emergency_or_settings(self) -> None:
        with self.assertRaises(TypeError):
            Emergency(object(), "a", b"{}", "{}", None)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            Settings(object(), b"{}")
        with TemporaryDirectory() as folder:
            kept: list[Emergency] = []
            World(folder, {}).open().run(action="payment.send", payload={}, act=kept.append)
            with self.assertRaisesRegex(TypeError, "no copy"):
                copy.copy(kept[0])

    def test_a_command_that_answers_something_else_opens_nothing(self) -> None:
        answers = [
            "exit 0",
            "echo '{}'",
            "echo approved; exit 0",
            'echo \'{"code":"break_glass.window","message":"No."}\' >&2; exit 1',
            "exit 1",
        ]
        with TemporaryDirectory() as folder:
            world = World(folder, {})
            command = pathlib.Path(folder, "cosignet")
            for answer in answers:
                command.write_text(f"#!/bin/sh\ncat > /dev/null\n{answer}\n")
                command.chmod(0o755)
                file = CASES["files"]["two people"]
                settings = Settings.in_code(world.settings)
                glass = BreakGlass(file, world.policy, settings, cosignet=command)
                with self.assertRaises(Denied) as denied:
                    glass.run(action="payment.send", payload={}, act=lambda _: self.fail("it ran"))
                self.assertIs(denied.exception.reason, Reason.BREAK_GLASS, answer)
            self.assertEqual(world.events(), [])

    def test_no_other_command_judges_than_roots(self) -> None:
        with TemporaryDirectory() as folder:
            world = World(folder, {})
            command = pathlib.Path(folder, "cosignet")
            command.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
            command.chmod(0o755)
            file = CASES["files"]["two people"]
            settings = Settings.in_code(world.settings)
            path = {"PATH": f"{folder}:{os.environ['PATH']}"}
            with (
                mock.patch.dict(os.environ, path),
                mock.patch("cosignet_gate._own.program", PROGRAM),
            ):
                for named in (None, "cosignet", command, f"{folder}/none"):
                    with self.assertRaises(Denied) as denied:
                        BreakGlass(file, world.policy, settings, cosignet=named)  # type: ignore[arg-type]
                    self.assertIs(denied.exception.reason, Reason.BREAK_GLASS_OFF, named)
                with self.assertRaises(TypeError):
                    BreakGlass(file, world.policy, settings)  # type: ignore[call-arg]
            self.assertFalse(pathlib.Path(folder, "ran").exists())

    def test_the_command_gets_the_settings_as_they_are_and_in_no_file(self) -> None:
        with TemporaryDirectory() as folder:
            world = World(folder, {})
            command = pathlib.Path(folder, "cosignet")
            command.write_text(
                f"#!/bin/sh\ncat > {folder}/settings\nls > {folder}/files\necho {{}}\n"
            )
            command.chmod(0o755)
            # Of a later version: the command judges it.
            own = {**world.settings, "minRosterVersion": 3}
            file = CASES["files"]["two people"]
            glass = BreakGlass(file, world.policy, Settings.in_code(own), cosignet=command)
            with self.assertRaises(Denied):
                glass.run(action="payment.send", payload={}, act=lambda _: self.fail("it ran"))
            self.assertEqual(json.loads(pathlib.Path(folder, "settings").read_bytes()), own)
            files = pathlib.Path(folder, "files").read_text().split()
            self.assertEqual(files, ["file.json", "policy.json"])

    def test_an_answer_to_another_question_opens_nothing(self) -> None:
        with TemporaryDirectory() as folder:
            world = World(folder, {})
            settings = pathlib.Path(folder, "settings.json")
            settings.write_text(json.dumps(world.settings))
            words = [cosignet(), "break-glass", "check", "--policy", str(world.policy)]
            words += ["--settings", str(settings), "--action", "payment.send"]
            words += ["--at", world.case["now"], "--format", "json", "--", "-"]
            file = CASES["files"]["two people"]
            done = subprocess.run(words, input=file.encode(), capture_output=True, check=True)
            good = json.loads(done.stdout)
            command = pathlib.Path(folder, "cosignet")

            def answer(said: dict[str, Any], status: int = 0) -> None:
                pathlib.Path(folder, "answer").write_text(json.dumps(said))
                script = f"#!/bin/sh\ncat > /dev/null\ncat {folder}/answer\nexit {status}\n"
                command.write_text(script)
                command.chmod(0o755)

            def run() -> None:
                glass = BreakGlass(
                    file, world.policy, Settings.in_code(world.settings), cosignet=command
                )
                glass._clock = Clock(_time.parse(world.case["now"]))
                glass.run(action="payment.send", payload={}, act=lambda _: None)

            answer(good, status=1)
            self.assertRaises(Denied, run)
            for key, value in [
                ("schema", "cosignet.report/v1"),
                ("action", "payment.refund"),
                ("at", "2026-03-01T12:10:00.001Z"),
                ("grantSha256", "00" * 32),
                ("policySha256", "00" * 32),
                ("people", ["ann"]),
                ("people", ["ann", "ann"]),
                ("reason", None),
                ("uses", "1"),
                ("uses", 1.5),
            ]:
                answer({**good, key: value})
                with self.assertRaises(Denied) as denied:
                    run()
                self.assertIs(denied.exception.reason, Reason.BREAK_GLASS, key)
            self.assertEqual(world.events(), [])
            answer(good)
            run()
            self.assertEqual(world.events(), ["used", "done"])

    def test_what_makes_no_sense_is_refused_before_anything_is_written(self) -> None:
        with TemporaryDirectory() as folder:
            world = World(folder, {})
            file = CASES["files"]["two people"]
            settings = Settings.in_code(world.settings)

            async def later(_: Emergency) -> None:
                pass

            def run(action: Any = "payment.send", act: Any = lambda _: None) -> None:
                world.open().run(action=action, payload={}, act=act)

            def command(path: str) -> None:
                glass = BreakGlass(file, world.policy, settings, cosignet=path)
                glass.run(action="payment.send", payload={}, act=lambda _: None)

            text = pathlib.Path(folder, "text")
            text.write_text("no program")
            text.chmod(0o755)
            off, bad = Reason.BREAK_GLASS_OFF, Reason.INVALID
            none, own = pathlib.Path(folder, "none"), cosignet()
            tries: list[tuple[Reason, Callable[[], object]]] = [
                (off, lambda: Settings.in_code({**world.settings, "journal": "uses"})),
                (off, lambda: BreakGlass(file, world.policy, None, cosignet=own)),  # type: ignore[arg-type]
                (off, lambda: Settings.load("/proc/self/mem")),
                (Reason.BREAK_GLASS, lambda: Settings.in_code({})),
                (Reason.BREAK_GLASS, lambda: Settings.in_code([])),  # type: ignore[arg-type]
                (Reason.BREAK_GLASS, lambda: command(str(text))),
                (bad, lambda: BreakGlass(7, world.policy, settings, cosignet=own)),  # type: ignore[arg-type]
                (bad, lambda: BreakGlass(none, world.policy, settings, cosignet=own)),
                (bad, lambda: run(action=7)),
                (bad, lambda: run(action="a\0b")),
                (bad, lambda: run(act=later)),
                (bad, lambda: run(act=None)),
            ]
            for number, (reason, attempt) in enumerate(tries):
                with self.assertRaises(Denied) as denied:
                    attempt()
                self.assertIs(denied.exception.reason, reason, number)
            self.assertEqual(world.events(), [])
            # What returns something to be awaited has begun, and is not done.
            with self.assertRaises(TypeError):
                run(act=lambda emergency: later(emergency))
            self.assertEqual(world.events(), ["used", "failed"])


class Then:
    """A clock that is looked at before the work and under the lock."""

    def __init__(self, *times: str) -> None:
        self._times = [_time.parse(time) for time in times]

    def latest(self) -> int:
        now = self._times.pop(0)
        assert now is not None
        return now

    now = latest


class Journals(unittest.TestCase):
    def setUp(self) -> None:
        redirected = contextlib.redirect_stderr(io.StringIO())
        redirected.__enter__()
        self.addCleanup(redirected.__exit__, None, None, None)
        made = TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = made.name

    def test_what_is_over_when_the_journal_is_free_is_not_done(self) -> None:
        world = World(self.folder, {})
        glass = world.open()
        for then in ("2026-03-01T12:30:00.000Z", "2026-03-01T11:59:59.999Z"):
            glass._clock = Then("2026-03-01T12:29:59.999Z", then)  # type: ignore[assignment]
            with self.assertRaises(Denied) as denied:
                glass.run(action="payment.send", payload={}, act=lambda _: self.fail("it ran"))
            self.assertEqual(denied.exception.verifier_code, "break_glass.window")
            self.assertEqual(denied.exception.found, then)
        self.assertEqual(world.events(), [])
        glass._clock = Then(*["2026-03-01T12:29:59.999Z"] * 3)  # type: ignore[assignment]
        glass.run(action="payment.send", payload={}, act=lambda _: None)
        self.assertEqual(world.events(), ["used", "done"])

    def test_an_action_that_no_gate_takes_is_not_done(self) -> None:
        world = World(self.folder, {"file": "pattern"})
        for action in ("payment.refund." + "a" * 106, "payment.refund." + "é" * 53):
            with self.assertRaises(Denied) as denied:
                world.open().run(action=action, payload={}, act=lambda _: self.fail("it ran"))
            self.assertIs(denied.exception.reason, Reason.BREAK_GLASS)
            self.assertEqual(denied.exception.verifier_code, "break_glass.other_action")
        self.assertEqual(world.events(), [])
        world.open().run(action="payment.refund." + "a" * 105, payload={}, act=lambda _: None)
        self.assertEqual(world.events(), ["used", "done"])

    def test_what_may_have_been_done_needs_a_new_file(self) -> None:
        case = next(case for case in CASES["cases"] if case["expect"] == "denied.outcome_unknown")
        with self.assertRaises(Denied) as denied:
            payload = Payload.parse({**CASES["usual"], **case}["payload"])
            World(self.folder, case).open().run(
                action="payment.send", payload=payload, act=lambda _: self.fail("it ran")
            )
        self.assertIs(denied.exception.reason, Reason.OUTCOME_UNKNOWN)
        self.assertIn("a new file", denied.exception.next)

    def test_a_use_is_used_once_and_nothing_ends_that_was_not_used(self) -> None:
        case = next(case for case in CASES["cases"] if case["name"] == "done before")
        used, done = case["journal"].splitlines(keepends=True)
        other = "00000000-0000-4000-8000-000000000002"
        stranger = json.dumps({**json.loads(done), "useId": other}) + "\n"
        reported = json.dumps({**json.loads(done), "event": "reported"}) + "\n"
        for line, text in [
            (2, used + used),
            (3, used + done + used),
            (1, done),
            (1, reported + used),
            (2, used + stranger + done),
        ]:
            world = World(self.folder, {"journal": text})
            for look in (
                Settings.in_code(world.settings).uses.all,
                lambda world=world: world.open().run(
                    action="payment.send", payload={}, act=lambda _: self.fail("it ran")
                ),
            ):
                with self.assertRaises(Denied) as denied:
                    look()
                self.assertIs(denied.exception.reason, Reason.JOURNAL)
                self.assertIn(f"line {line} of", denied.exception.message)
            self.assertEqual(world.bytes(), text.encode())


class Told(BaseHTTPRequestHandler):
    """A gate that records what it is told, after it was silent once."""

    told: ClassVar[list[dict[str, Any]]] = []
    #: A status and the id of a use, if not that which was told.
    answers: ClassVar[list[tuple[int, str | None]]] = []
    during: ClassVar[Callable[[], None]]
    more: ClassVar[dict[str, Any]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.told.append({"path": self.path, **body})
        status, use_id = self.answers.pop(0)
        type(self).during()
        data = json.dumps({"useId": use_id or body["useId"], **self.more}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


class Reports(unittest.TestCase):
    def setUp(self) -> None:
        server = HTTPServer(("127.0.0.1", 0), Told)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        Told.told.clear()
        Told.during = lambda: None
        url = f"http://127.0.0.1:{server.server_address[1]}"
        self.gate = Gate(url, "key", None, patience=0.1)
        made = TemporaryDirectory()
        self.addCleanup(made.cleanup)
        case = next(case for case in CASES["cases"] if case["name"] == "done before")
        self.used, self.done = case["journal"].splitlines(keepends=True)
        self.folder = made.name

    def start(self, journal: str) -> None:
        self.world = World(self.folder, {"journal": journal})
        self.settings = Settings.in_code(self.world.settings)

    def report(self, *answers: int | tuple[int, str]) -> int:
        Told.answers[:] = [one if isinstance(one, tuple) else (one, None) for one in answers]
        reported = self.gate.report_break_glass(self.settings)
        self.assertEqual(Told.answers, [], "it was told as often as that")
        self.invalid = reported.invalid
        return reported.told

    def refused(self, *answers: int | tuple[int, str]) -> Reason:
        with self.assertRaises(Denied) as denied:
            self.report(*answers)
        return denied.exception.reason

    def add(self, text: str) -> None:
        with self.world.journal.open("a") as journal:
            journal.write(text)

    def test_the_gate_is_told_once_of_each_use(self) -> None:
        self.start(self.used + self.done)
        # No answer, one about another use, and then the right one.
        self.assertIs(self.refused(503), Reason.UNREACHABLE)
        self.assertIs(self.refused((200, "x")), Reason.BAD_ANSWER)
        self.assertIs(self.refused(409), Reason.BAD_ANSWER)
        self.assertEqual(self.world.events(), ["used", "done"])
        self.assertEqual(self.report(201), 1)
        self.assertEqual(self.report(), 0)
        self.assertEqual(self.world.events(), ["used", "done", "reported"])
        last = Told.told[-1]
        self.assertEqual(last["path"], "/v1/break-glass")
        self.assertEqual(last["outcome"], "done")
        self.assertEqual(last["usedAt"], "2026-03-01T12:05:00.000Z")

    def test_what_came_of_a_use_is_told_later(self) -> None:
        self.start(self.used)
        self.assertEqual(self.report(201), 1)
        self.assertEqual(self.report(), 0, "there is nothing new")
        self.add(self.done)
        self.assertFalse(self.settings.uses.all()[0].reported)
        self.assertEqual(self.report(200), 1)
        self.assertEqual(self.report(), 0)
        self.assertEqual([told["outcome"] for told in Told.told], [None, "done"])
        self.assertEqual(self.world.events(), ["used", "reported", "done", "reported"])

    def test_what_ends_while_the_gate_is_told_is_told_as_well(self) -> None:
        self.start(self.used)
        Told.during = lambda: self.add(self.done)
        self.report(201)
        Told.during = lambda: None
        self.assertEqual(self.report(200), 1)
        self.assertEqual(self.report(), 0)
        self.assertEqual([told["outcome"] for told in Told.told], [None, "done"])
        self.assertEqual(self.world.events(), ["used", "done", "reported"])

    def test_what_the_gate_does_not_hold_for_valid_is_told(self) -> None:
        self.addCleanup(setattr, Told, "more", {})
        valid: Any
        for valid in (True, False, 1, None):
            self.start(self.used)
            Told.more = {} if valid is None else {"valid": valid}
            self.assertEqual(self.report(201), 1)
            self.assertEqual(self.invalid, 0 if valid is True else 1)
            self.assertEqual(self.world.events(), ["used", "reported"])

    def test_a_gate_that_does_not_answer_is_asked_once(self) -> None:
        second = self.used.replace("-000000000001", "-000000000002")
        self.start(self.used + second)
        self.assertIs(self.refused(503), Reason.UNREACHABLE)
        self.assertEqual(len(Told.told), 1)
        # One that answers is asked about all.
        self.assertIs(self.refused(403, 201), Reason.KEY_REFUSED)
        self.assertEqual(self.report(201), 1)


if __name__ == "__main__":
    unittest.main()
