"""Nothing is believed but an exit status of 0 together with a report that answers the question."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import pickle
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from unittest import mock

import scripted
from scripted import CASES, ROOT, Folder, Script

from cosignet_gate import Approved, Ask, Denied, Gate, Reason
from cosignet_gate._members import Members
from cosignet_gate._verifier import Question, Verified, Verifier

SIGNED = Members(
    {"requestId": "", "action": "", "expiresAt": "2026-03-01T13:00:00.000Z"},
)

#: Stands in front of the command, and changes what it has said.
STAND_IN = """#!{python}
import json, subprocess, sys
out = subprocess.run([{cosignet!r}, *sys.argv[1:]], capture_output=True)
report, status = out.stdout.decode(), out.returncode
read, write = lambda: json.loads(report), json.dumps
if "--at" in sys.argv:
    {change}
sys.stdout.write(report)
sys.exit(status)
"""


class Asking(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder()
        self.addCleanup(self.folder.cleanup)
        self.policy = self.folder.policy()
        self.commands = 0
        self.ran: list[Approved] = []

    def command(self, text: str) -> pathlib.Path:
        self.commands += 1
        path = self.folder.path / f"cosignet-{self.commands}"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def changed(self, change: str) -> pathlib.Path:
        text = STAND_IN.format(python=sys.executable, cosignet=scripted.cosignet(), change=change)
        return self.command(text)

    def ask(
        self,
        cosignet: pathlib.Path | None = None,
        case: dict[str, Any] | None = None,
        policy: pathlib.Path | None = None,
    ) -> tuple[Denied | None, dict[str, list[str]]]:
        """Why it was denied, if it was, and the calls that were made."""
        command = {} if cosignet is None else {"cosignet": cosignet}
        with Script(case) as script:
            try:
                gate = scripted.gate(script.url, policy or self.policy, **command)
                gate.run(
                    action=CASES["ask"]["action"],
                    payload=scripted.payload(),
                    act=self.ran.append,
                )
            except Denied as denied:
                return denied, script.calls
            return None, script.calls

    def denied(self, reason: Reason, **more: Any) -> tuple[Denied, dict[str, list[str]]]:
        denied, calls = self.ask(**more)
        assert denied is not None, "it ran"
        self.assertEqual(denied.reason, reason)
        return denied, calls

    def test_a_command_that_does_not_answer_the_question_verifies_nothing(self) -> None:
        # The stand-in alone changes nothing.
        for nothing in ("pass", "report = write(read())"):
            self.assertIsNone(self.ask(self.changed(nothing))[0])
        self.ran.clear()
        changes = (
            "report = ''",
            "report = 'VERIFIED'",
            "report = '[]'",
            "report += report",
            "status = 1",
            "status = 4",
            "report = report.replace('\"VERIFIED\"', '\"REJECTED\"')",
            "report = report.replace('\"VERIFIED\"', '\"verified\"')",
            'report = report.replace(\'"code":"ok"\', \'"code":"log.quorum_short"\')',
            "report = report.replace('cosignet.report/v1', 'cosignet.report/v2')",
            "report = write({**read(), 'at': '2026-03-01T12:00:00.000Z'})",
            "report = write({**read(), 'at': None})",
            "report = write({**read(), 'policy': None})",
            "r = read(); r['policy']['sha256'] = '00' * 32; report = write(r)",
            "r = read(); r['inputs']['bundleSha256'] = '00' * 32; report = write(r)",
            "r = read(); r['inputs']['payloadSha256'] = '00' * 32; report = write(r)",
            "r = read(); r['inputs']['payloadSha256'] = None; report = write(r)",
            "r = read(); del r['signed']['requestId']; report = write(r)",
        )
        commands = [self.changed(change) for change in changes]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(self.ask, commands))
        for change, (denied, calls) in zip(changes, answers):
            assert denied is not None, change
            self.assertEqual(denied.reason, Reason.NOT_VERIFIED, change)
            self.assertEqual(len(calls["claim"]), 1, change)
        self.assertEqual(self.ran, [])

    def test_a_report_of_a_refusal_is_denied_whatever_the_status(self) -> None:
        decision = {"decision": {"$decision": "refusal"}}
        answers = {"claim": [{"status": 200, "body": "claimed", "set": decision}]}
        command, case = self.changed("status = 0"), {"answers": answers}
        denied, _ = self.denied(Reason.NOT_VERIFIED, cosignet=command, case=case)
        self.assertEqual(denied.verifier_code, "decision.refused")
        self.assertEqual(self.ran, [])

    def test_without_a_command_that_verifies_nobody_is_asked(self) -> None:
        missing = self.folder.path / "none"
        for command in (
            missing,
            self.folder.path,
            self.command("#!/bin/sh\nexit 0\n"),
            self.command("#!/bin/sh\necho VERIFIED\n"),
            self.command("#!/none/sh\n"),
        ):
            _, calls = self.denied(Reason.INVALID, cosignet=command)
            self.assertEqual(calls["create"], [])
        denied, _ = self.denied(Reason.INVALID, cosignet=missing)
        self.assertIn("is not there", denied.message)
        self.assertIn("Install cosignet", denied.next)

    def test_under_a_policy_that_is_none_nobody_is_asked(self) -> None:
        bad = self.folder.path / "bad.toml"
        bad.write_text("name = 1\n")
        empty = self.folder.path / "empty"
        empty.write_text("")
        long = self.folder.path / "long.json"
        long.write_text(" " * (1 << 20) + "{}")
        pipe = self.folder.path / "pipe"
        os.mkfifo(pipe)
        denied, _ = self.denied(Reason.INVALID, policy=pipe)
        self.assertIn("no regular file", denied.message)
        denied, _ = self.denied(Reason.INVALID, policy=long)
        self.assertIn("has more than 1048576 bytes", denied.message)
        nothing: Any = 5
        for policy in (nothing, bad, empty, long, self.folder.path, self.folder.path / "none.toml"):
            _, calls = self.denied(Reason.INVALID, policy=policy)
            self.assertEqual(calls["create"], [])

    def test_a_policy_that_changes_later_changes_nothing(self) -> None:
        policy = self.folder.policy("strangers")
        with Script() as script:
            gate = scripted.gate(script.url, policy)
            policy.write_bytes(self.folder.policy("good").read_bytes())
            with self.assertRaises(Denied) as caught:
                gate.run(action="wire_transfer", payload=scripted.payload(), act=self.ran.append)
        self.assertEqual(caught.exception.reason, Reason.NOT_VERIFIED)
        self.assertEqual(self.ran, [])

    def test_a_roster_goes_to_the_command(self) -> None:
        with Script() as script:
            gate = scripted.gate(script.url, self.policy, roster=self.policy)
            with self.assertRaises(Denied) as caught:
                gate.run(action="wire_transfer", payload=scripted.payload(), act=self.ran.append)
            self.assertEqual(caught.exception.reason, Reason.INVALID)
            self.assertIn("no policy that names a roster", caught.exception.message)
            self.assertEqual(script.calls["create"], [])

    def test_a_roster_decides_who_may_approve(self) -> None:
        vectors = json.loads((ROOT / "test-vectors/decision/roster.json").read_bytes())
        case = next(c for c in vectors["cases"] if c["name"] == "two under the first version")
        files = {}
        for name in ("policy", "roster"):
            text = case["input"][name]
            files[name] = self.folder.path / f"{name}-of-people.json"
            files[name].write_text(text if isinstance(text, str) else json.dumps(text))
        decision = case["input"]["decisionText"].encode()
        payload = Members(json.loads(decision)).bytes("payload")
        at = 1_800_000_000_000
        question = Question(decision, sha256(payload).hexdigest(), at)

        def verify(roster: pathlib.Path | None) -> Denied:
            verifier = Verifier(scripted.cosignet(), files["policy"], roster)
            verifier.check().run()
            with self.assertRaises(Denied) as caught:
                verifier.verify(question).run()
            return caught.exception

        # It verifies, and nothing but the request is missing in it.
        denied = verify(files["roster"])
        self.assertEqual(denied.reason, Reason.OTHER_REQUEST, denied)
        self.assertIn("does not say which request", denied.message)
        self.assertEqual(verify(None).reason, Reason.NOT_VERIFIED)

    def test_without_a_policy_nothing_is_claimed(self) -> None:
        with Script() as script:
            gate = scripted.gate(script.url, None)
            asking = gate.request(Ask("wire_transfer", scripted.payload()))
            gate.wait(asking)
            with self.assertRaises(Denied) as caught:
                gate.claim(asking)
            self.assertEqual(caught.exception.reason, Reason.INVALID)
            self.assertEqual(script.calls["claim"], [])

    def test_a_command_that_hangs_is_ended(self) -> None:
        command = self.command("#!/bin/sh\nexec sleep 60\n")
        with mock.patch("cosignet_gate._verifier.TIMEOUT", 0.3):
            denied, _ = self.denied(Reason.INVALID, cosignet=command)
        self.assertIn("timed out", denied.message)

    def test_verification_alone_makes_an_approved(self) -> None:
        self.assertIsNone(self.ask()[0])
        (approved,) = self.ran
        self.assertEqual(approved.json(), CASES["ask"]["payload"])
        self.assertEqual(approved.action, CASES["ask"]["action"])
        self.assertEqual(approved.request_id, CASES["bodies"]["seen"]["id"])
        self.assertEqual(json.loads(approved.report)["verdict"], "VERIFIED")
        self.assertEqual(json.loads(approved.decision)["type"], "cosignet.decision/v1")
        blank: Any = None
        for make in (
            lambda: Approved(object(), blank, "", blank, blank),
            lambda: Verified(object(), "", SIGNED),
            lambda: copy.copy(approved),
            lambda: copy.deepcopy(approved),
            lambda: pickle.dumps(approved),
            lambda: type("Other", (Approved,), {}),
        ):
            with self.assertRaises(TypeError):
                make()
        with self.assertRaises(AttributeError):
            approved.payload = b"{}"  # type: ignore[misc]

    def test_what_was_given_up_is_not_verified(self) -> None:
        verifier = Verifier(scripted.cosignet(), self.policy, None)
        for task in (verifier.check(), verifier.verify(Question(b"{}", "", 0))):
            task.abort()
            with self.assertRaises(Denied) as caught:
                task.run()
            self.assertIn("it was given up", caught.exception.message)

    def test_an_approval_is_handed_out_once(self) -> None:
        with Script() as script:
            gate: Gate = scripted.gate(script.url, self.folder.policy())
            asking = gate.request(Ask("wire_transfer", scripted.payload()))
            with self.assertRaisesRegex(TypeError, "permits nothing"):
                _ = "yes" if asking else "no"
            blank: Any = None
            with self.assertRaisesRegex(TypeError, "make an Asking"):
                type(asking)(object(), blank, "", blank, 0, 0.0)
            gate.act(asking, self.ran.append)
            with self.assertRaises(Denied) as caught:
                gate.act(asking, self.ran.append)
            self.assertEqual(caught.exception.reason, Reason.OUTCOME_UNKNOWN)
        self.assertEqual(len(self.ran), 1)
