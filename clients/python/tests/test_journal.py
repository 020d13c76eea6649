"""What is remembered over a crash, and that nothing is done without it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import threading
import unittest
from typing import Any, Callable
from unittest import mock

import scripted
from scripted import CASES, Folder, Script

from cosignet_gate import Approved, Ask, AsyncGate, Denied, Gate, Journal, Reason

#: A process that asks, and is killed on its way.
CRASH = """
import os, pathlib, sys
import scripted

os.environ["CRASHING"] = str(os.getpid())

url, policy, cosignet, journal = sys.argv[1:]
gate = scripted.gate(url, pathlib.Path(policy), cosignet=cosignet, journal=journal)
gate.run(
    action="wire_transfer",
    payload=scripted.payload(),
    act=lambda approved: {act},
    operation="one",
)
"""


class Remembering(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder()
        self.addCleanup(self.folder.cleanup)
        # The gate gives the same answers to everybody, as a hostile one would.
        self.script = Script()
        self.addCleanup(self.script.__exit__)
        self.path = self.folder.path / "journal"
        self.ran = 0

    def gate(self, path: Any | None = None) -> Gate:
        journal = Journal(path or self.path)
        return scripted.gate(self.script.url, self.folder.policy(), journal=journal)

    def act(self, approved: Approved) -> None:
        self.ran += 1

    def run_as(
        self, operation: str | None, act: Callable[[Approved], None] | None = None
    ) -> Reason | None:
        try:
            self.gate().run(
                action="wire_transfer",
                payload=scripted.payload(),
                act=act or self.act,
                operation=operation,
            )
        except Denied as denied:
            return denied.reason
        return None

    def test_an_operation_and_a_request_are_acted_on_once(self) -> None:
        self.assertIsNone(self.run_as("one"))
        events = [record.event for record in Journal(self.path).records()]
        self.assertEqual(events, ["claimed", "done"])
        self.assertEqual(self.run_as("one"), Reason.OUTCOME_UNKNOWN)
        calls = self.script.calls["create"]
        self.assertEqual(len(calls), 1, "it is known before anybody is asked")
        # The approval of an earlier request is no approval of another operation.
        self.assertEqual(self.run_as("two"), Reason.OUTCOME_UNKNOWN)
        self.assertEqual(self.run_as(None), Reason.OUTCOME_UNKNOWN)
        self.assertEqual(self.ran, 1)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_the_line_is_written_before_the_act(self) -> None:
        def act(approved: Approved) -> None:
            (record,) = Journal(self.path).records()
            self.assertEqual(record.event, "claimed")
            self.assertEqual(record.request_id, approved.request_id)
            self.assertEqual(record.operation, "one")
            self.assertEqual(record.payload_hash, approved.payload_sha256)
            raise KeyError("the act")

        with self.assertRaises(KeyError):
            self.run_as("one", act)
        self.assertEqual(Journal(self.path).records()[1].event, "failed")
        self.assertEqual(self.script.outcomes, ["failed"])

    def test_an_act_that_is_interrupted_has_an_unknown_outcome(self) -> None:
        def act(_: Approved) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.run_as("one", act)
        events = [record.event for record in Journal(self.path).records()]
        self.assertEqual(events, ["claimed"])
        self.assertEqual(self.script.outcomes, [])
        self.assertEqual(self.run_as("one"), Reason.OUTCOME_UNKNOWN)
        self.assertEqual(self.ran, 0)

    def crash(self, cosignet: str, act: str) -> None:
        """Runs the operation in a process that is killed."""
        program = CRASH.format(act=act)
        words = [self.script.url, str(self.folder.policy()), cosignet, str(self.path)]
        # What a killed process leaves behind goes with the folder.
        environment = {**os.environ, "TMPDIR": str(self.folder.path)}
        words = [sys.executable, "-c", program, *words]
        done = subprocess.run(words, timeout=60, env=environment)
        self.assertEqual(done.returncode, -signal.SIGKILL)

    def test_a_crash_in_the_act_leaves_an_unknown_outcome(self) -> None:
        self.crash(scripted.cosignet(), "os.kill(os.getpid(), 9)")
        events = [record.event for record in Journal(self.path).records()]
        self.assertEqual(events, ["claimed"])
        self.assertEqual(self.run_as("one"), Reason.OUTCOME_UNKNOWN)
        self.assertEqual(self.run_as("two"), Reason.OUTCOME_UNKNOWN)
        self.assertEqual(self.ran, 0)

    def test_a_crash_before_the_line_is_harmless(self) -> None:
        # The command kills its caller when it is to verify: behind the claim, before the line.
        killer = self.folder.path / "killer"
        killer.write_text(
            f"#!{sys.executable}\n"
            "import os, sys\n"
            "if '--at' in sys.argv: os.kill(int(os.environ['CRASHING']), 9)\n"
            f"else: os.execv({scripted.cosignet()!r}, ['cosignet', *sys.argv[1:]])\n"
        )
        killer.chmod(0o755)
        self.crash(str(killer), "print('it ran')")
        self.assertEqual(len(self.script.calls["claim"]), 1)
        self.assertEqual(Journal(self.path).records(), [])
        self.assertIsNone(self.run_as("one"))
        self.assertEqual(self.ran, 1)
        self.assertEqual(set(self.script.calls["claim"]), {"one"})

    def test_an_act_that_is_cancelled_has_an_unknown_outcome(self) -> None:
        gate = scripted.client(AsyncGate, self.script.url, self.folder.policy(), journal=self.path)

        async def act(_: Approved) -> None:
            await asyncio.sleep(60)

        async def run() -> None:
            running = asyncio.ensure_future(
                gate.run(action="wire_transfer", payload=scripted.payload(), act=act)
            )
            while not self.path.exists() or not Journal(self.path).records():
                await asyncio.sleep(0.02)
            running.cancel()
            await running

        with self.assertRaises(asyncio.CancelledError):
            asyncio.run(run())
        self.assertEqual([record.event for record in Journal(self.path).records()], ["claimed"])
        self.assertEqual(self.script.outcomes, [])

    def test_without_a_journal_that_can_be_kept_nothing_is_done(self) -> None:
        for damage in (b"x\n", b'{"event":"claimed"', b"{}\n", b"\n"):
            self.path.write_bytes(damage)
            self.assertEqual(self.run_as("one"), Reason.JOURNAL, damage)
            self.assertEqual(self.run_as(None), Reason.JOURNAL, damage)
            self.assertEqual(self.path.read_bytes(), damage)
        self.path.unlink()
        # No folder to write it in.
        good, self.path = self.path, self.folder.path / "none" / "journal"
        self.assertEqual(self.run_as(None), Reason.JOURNAL)
        # Another process is writing.
        self.path = good
        self.path.write_bytes(b"")
        with self.path.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with mock.patch("cosignet_gate._lines._PATIENCE", 0.1):
                self.assertEqual(self.run_as("one"), Reason.JOURNAL)
                self.assertRaises(Denied, Journal(self.path).records)
            # Another one reads, and whoever writes has to wait.
            fcntl.flock(held, fcntl.LOCK_SH)
            self.assertEqual(Journal(self.path).records(), [])
            with mock.patch("cosignet_gate._lines._PATIENCE", 0.1):
                self.assertEqual(self.run_as(None), Reason.JOURNAL)
        self.assertEqual(self.ran, 0)
        self.assertEqual(self.path.read_bytes(), b"")

    def test_others_are_waited_for(self) -> None:
        self.path.write_bytes(b"")
        held = self.path.open("rb")
        self.addCleanup(held.close)
        fcntl.flock(held, fcntl.LOCK_EX)
        later = threading.Timer(0.5, fcntl.flock, (held, fcntl.LOCK_UN))
        later.start()
        self.addCleanup(later.join)
        self.assertIsNone(self.run_as("one"))
        self.assertEqual(self.ran, 1)

    def test_a_line_that_cannot_be_written_behind_the_act_is_told(self) -> None:
        def act(_: Approved) -> None:
            self.ran += 1
            with self.path.open("ab") as journal:
                journal.write(b"half a line")

        ran = self.gate().run(action="wire_transfer", payload=scripted.payload(), act=act)
        assert ran.unreported is not None
        self.assertEqual(ran.unreported.reason, Reason.JOURNAL)
        self.assertEqual(self.script.outcomes, ["done"], "the gate knows all the same")

    def test_an_operation_needs_a_journal(self) -> None:
        gate = scripted.gate(self.script.url, self.folder.policy())
        with self.assertRaises(Denied) as caught:
            gate.request(Ask("wire_transfer", scripted.payload(), operation="one"))
        self.assertEqual(caught.exception.reason, Reason.JOURNAL)
        self.assertEqual(self.script.calls["create"], [])

    def test_the_line_and_the_name_are_on_the_disk_before_the_act(self) -> None:
        synced = []

        def fsync(file: int, sync: Any = os.fsync) -> None:
            sync(file)
            synced.append(os.fstat(file).st_ino)

        def act(_: Approved) -> None:
            self.assertEqual(len(self.path.read_bytes().splitlines()), 1)
            self.assertEqual(synced, [self.path.stat().st_ino, self.folder.path.stat().st_ino])
            self.ran += 1

        with mock.patch("os.fsync", fsync):
            self.assertIsNone(self.run_as("one", act))
        self.assertEqual(self.ran, 1)

    def test_a_journal_that_cannot_be_read_is_no_empty_one(self) -> None:
        self.path.write_bytes(b"")
        for path in (self.path / "below a file", self.folder.path):
            with self.assertRaises(Denied) as caught:
                Journal(path).records()
            self.assertEqual(caught.exception.reason, Reason.JOURNAL)
        self.path.write_bytes(b"x" * 101)
        with mock.patch("cosignet_gate._lines._MAX_BYTES", 100):
            with self.assertRaises(Denied) as caught:
                Journal(self.path).records()
            self.assertIn("too long", caught.exception.message)

    def test_without_file_locks_there_is_no_journal(self) -> None:
        with mock.patch("cosignet_gate._lines.fcntl", None):
            with self.assertRaises(Denied) as caught:
                Journal(self.path)
            self.assertEqual(caught.exception.reason, Reason.JOURNAL)

    def test_a_request_of_an_earlier_try_may_be_old_and_no_other(self) -> None:
        old = {"body": "seen", "set": {"createdAt": "2026-03-01T11:00:00.000Z"}}
        for status, operation, reason in (
            (200, "one", None),
            (201, "two", Reason.CLOCK_SKEW),
            (200, None, Reason.CLOCK_SKEW),
            (201, None, Reason.CLOCK_SKEW),
        ):
            with Script({"answers": {"create": [{"status": status, **old}]}}) as self.script:
                self.assertEqual(self.run_as(operation), reason)
        self.assertEqual(self.ran, 1)
        with Script({"answers": {"look": [{"status": 200, **old}]}}) as script:
            gate = scripted.gate(script.url, self.folder.policy())
            found = gate.find(
                CASES["bodies"]["seen"]["id"], Ask("wire_transfer", scripted.payload())
            )
            self.assertEqual(found.expires_at, CASES["bodies"]["seen"]["expiresAt"])

    def test_a_file_that_took_the_journals_place_is_noticed(self) -> None:
        gate = self.gate()
        other = self.folder.path / "other"
        other.write_bytes(b"")

        def flock(file: int, how: int, locked: Any = fcntl.flock) -> None:
            locked(file, how)
            os.replace(other, self.path)

        with mock.patch("fcntl.flock", flock), self.assertRaises(Denied) as caught:
            gate.run(action="wire_transfer", payload=scripted.payload(), act=self.act)
        self.assertEqual(caught.exception.reason, Reason.JOURNAL)
        self.assertEqual(self.ran, 0)
