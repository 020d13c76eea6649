"""Against a real gate, its log, and people with software passkeys: `cargo xtask interop python`."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from typing import Any

from cosignet_gate import (
    Approved,
    Ask,
    AsyncGate,
    Denied,
    Gate,
    Journal,
    Keys,
    Reason,
)

FIXTURE = os.environ.get("COSIGNET_GATE_FIXTURE")

PAYLOAD = {"to": "Acme GmbH", "amount": "25.00"}
CANONICAL = b'{"amount":"25.00","to":"Acme GmbH"}'


@unittest.skipIf(FIXTURE is None, "COSIGNET_GATE_FIXTURE names no program that starts a gate")
class RealGate(unittest.TestCase):
    at: dict[str, Any]
    process: subprocess.Popen[bytes]

    @classmethod
    def setUpClass(cls) -> None:
        pipe = subprocess.PIPE
        cls.process = subprocess.Popen([str(FIXTURE), "gate-fixture"], stdin=pipe, stdout=pipe)
        assert cls.process.stdout is not None
        cls.at = json.loads(cls.process.stdout.readline())

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.communicate(timeout=20)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.ran: list[bytes] = []

    def gate(self, kind: Any = Gate, policy: str = "one", **more: Any) -> Any:
        keys = self.at["keys"]
        more = {"cosignet": self.at["cosignet"], "patience": 5.0, **more}
        apart = Keys(create=keys["create"], claim=keys["claim"])
        return kind(self.at["url"], more.pop("key", apart), self.at["policies"][policy], **more)

    def act(self, approved: Approved) -> str:
        self.ran.append(approved.payload)
        return approved.request_id

    def run_it(self, gate: Any, act: str, **more: Any) -> str:
        action = self.at["actions"][act]
        ran = gate.run(action=action, payload=PAYLOAD, act=self.act, **more)
        self.assertIsNone(ran.unreported)
        return str(ran.result)

    def denied(self, reason: Reason, gate: Any, act: str, **more: Any) -> Denied:
        with self.assertRaises(Denied) as caught:
            self.run_it(gate, act, **more)
        self.assertEqual(caught.exception.reason, reason, caught.exception)
        self.assertEqual(self.ran, [])
        return caught.exception

    def outcome(self, id: str) -> str | None:
        request = urllib.request.Request(
            f"{self.at['url']}/api/confirmations/{id}",
            headers={"x-api-key": self.at["keys"]["read"]},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            outcome: str | None = json.load(answer)["outcome"]
            return outcome

    def test_an_approved_act_runs_once_with_the_approved_bytes(self) -> None:
        for act, policy in (("approve", "one"), ("late", "one"), ("two", "two")):
            id = self.run_it(self.gate(policy=policy), act, group="finance")
            self.assertEqual(self.ran, [CANONICAL])
            self.assertEqual(self.outcome(id), "done")
            self.ran.clear()

    def test_the_same_in_an_event_loop(self) -> None:
        async def act(approved: Approved) -> str:
            await asyncio.sleep(0)
            return self.act(approved)

        async def run() -> list[Any]:
            gate = self.gate(AsyncGate)
            actions = [self.at["actions"][name] for name in ("approve", "late")]
            return list(
                await asyncio.gather(
                    *(gate.run(action=action, payload=PAYLOAD, act=act) for action in actions)
                )
            )

        for ran in asyncio.run(run()):
            self.assertEqual(self.outcome(ran.result), "done")
        self.assertEqual(self.ran, [CANONICAL, CANONICAL])

    def test_whoever_gives_up_can_come_back(self) -> None:
        action = self.at["actions"]["late"]

        async def give_up() -> str:
            gate = self.gate(AsyncGate)
            asking = await gate.request(Ask(action, PAYLOAD))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(gate.wait(asking), 0.5)
            return str(asking.id)

        id = asyncio.run(give_up())
        gate = self.gate()
        ran = gate.act(gate.find(id, Ask(action, PAYLOAD)), self.act)
        self.assertEqual(ran.result, id)
        self.assertEqual(self.ran, [CANONICAL])

    def test_a_refused_act_does_not_run(self) -> None:
        denied = self.denied(Reason.REFUSED, self.gate(), "refuse")
        self.assertEqual(denied.message, 'bob refused: "not today"')

    def test_what_is_too_little_for_the_policy_does_not_run(self) -> None:
        denied = self.denied(Reason.NOT_VERIFIED, self.gate(policy="two"), "approve")
        self.assertEqual(denied.verifier_code, "decision.quorum_short")

    def test_what_no_rule_covers_does_not_run(self) -> None:
        self.denied(Reason.NO_RULE, self.gate(), "noRule")

    def test_keys_do_what_they_may(self) -> None:
        keys = self.at["keys"]
        self.denied(Reason.KEY_REFUSED, self.gate(key=keys["claim"]), "approve")
        self.denied(Reason.KEY_REFUSED, self.gate(key=keys["create"]), "approve")
        self.denied(Reason.KEY_REFUSED, self.gate(key="unknown"), "approve")
        self.run_it(self.gate(key=keys["both"]), "approve")

    def test_a_failed_act_is_reported(self) -> None:
        ids = []

        def fail(approved: Approved) -> None:
            ids.append(approved.request_id)
            raise OSError("the act")

        with self.assertRaises(OSError):
            action = self.at["actions"]["approve"]
            self.gate().run(action=action, payload=PAYLOAD, act=fail)
        self.assertEqual(self.outcome(ids[0]), "failed")

    def test_a_request_that_was_made_is_found_by_its_operation(self) -> None:
        journal = self.folder / "acts.jsonl"
        gate = self.gate(journal=journal)
        ask = {"action": self.at["actions"]["late"], "payload": PAYLOAD, "operation": "one"}
        first = gate.request(Ask(**ask))
        self.assertEqual(gate.request(Ask(**ask)).id, first.id)
        ran = gate.run(act=self.act, **ask)
        self.assertEqual(ran.result, first.id)
        with self.assertRaises(Denied) as caught:
            gate.run(act=self.act, **ask)
        self.assertEqual(caught.exception.reason, Reason.OUTCOME_UNKNOWN)
        self.assertEqual(len(self.ran), 1)

    def test_the_example_of_the_readme_runs_once(self) -> None:
        readme = pathlib.Path(__file__).parents[1] / "README.md"
        example = readme.read_text("utf-8").split("```python\n")[1].split("```")[0]
        action = f'"{self.at["actions"]["approve"]}"'
        self.assertIn('"payment.send"', example)
        self.folder.joinpath("example.py").write_text(example.replace('"payment.send"', action))
        policy = pathlib.Path(self.at["policies"]["one"]).read_bytes()
        self.folder.joinpath("policy.toml").write_bytes(policy)
        keys = self.at["keys"]
        path = os.pathsep.join([os.path.dirname(self.at["cosignet"]), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "GATE_URL": self.at["url"]}
        environment.update(AGENT=keys["create"], EXECUTOR=keys["claim"])

        def run() -> str:
            return subprocess.run(
                [sys.executable, "example.py"],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            ).stdout

        said = run()
        self.assertIn("approvers decide on http://localhost", said)
        self.assertIn("sending {'amount': '250.00'", said)
        again = run()
        self.assertNotIn("sending", again)
        self.assertIn("denied.outcome_unknown", again)

    def test_the_command_and_this_client_share_a_journal(self) -> None:
        journal = self.folder / "acts.jsonl"
        (self.folder / "key").write_text(self.at["keys"]["both"])
        (self.folder / "payload.json").write_bytes(CANONICAL)

        def command(operation: str) -> subprocess.CompletedProcess[str]:
            words = [self.at["cosignet"], "gate", "run", "--gate", self.at["url"]]
            words += ["--key-file", "key", "--policy", self.at["policies"]["one"]]
            words += ["--action", self.at["actions"]["approve"], "--payload", "payload.json"]
            words += ["--journal", str(journal), "--operation", operation, "--", "true"]
            return subprocess.run(
                words, cwd=self.folder, capture_output=True, text=True, timeout=60
            )

        gate = self.gate(key=self.at["keys"]["both"], journal=journal)
        self.run_it(gate, "approve", operation="of-Python")
        again = command("of-Python")
        self.assertEqual(again.returncode, 13, again.stderr)
        self.assertIn("denied.outcome_unknown", again.stderr)
        other = command("of-the-command")
        self.assertEqual(other.returncode, 0, other.stderr)
        self.ran.clear()
        self.denied(Reason.OUTCOME_UNKNOWN, gate, "approve", operation="of-the-command")
        events = [(record.operation, record.event) for record in Journal(journal).records()]
        expected = [("of-Python", "claimed"), ("of-Python", "done")]
        expected += [("of-the-command", "claimed"), ("of-the-command", "done")]
        self.assertEqual(events, expected)
