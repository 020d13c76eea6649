"""Every case ends as the file says, in both clients."""

from __future__ import annotations

import asyncio
import json
import pathlib
import unittest
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Any

import scripted
from scripted import CASES, EVIDENCE, Script

from cosignet_gate import Approved, AsyncGate, Denied, Gate


class Played:
    """What came of a case."""

    def __init__(self, case: dict[str, Any], kind: type) -> None:
        self.name = f"{kind.__name__}: {case['name']}"
        self.case = case
        self.ran: list[bytes] = []
        self.denied: Denied | None = None
        self.unreported: Denied | None = None
        with Script(case) as script, TemporaryDirectory() as folder:
            policy = pathlib.Path(folder, "policy.json")
            policy.write_text(json.dumps(EVIDENCE["policies"][case.get("policy", "good")]))
            try:
                self.play(kind, script, policy)
            except Denied as denied:
                self.denied = denied
            self.calls = script.calls
            self.outcomes = script.outcomes

    def play(self, kind: type, script: Script, policy: pathlib.Path) -> None:
        case = self.case
        now = case.get("now", CASES["now"])
        gate = scripted.client(kind, case.get("url", script.url), policy, now=now)
        asked = {"action": CASES["ask"]["action"], "payload": scripted.payload(case)}
        if isinstance(gate, AsyncGate):

            async def act(approved: Approved) -> str:
                return self.act(approved)

            ran = asyncio.run(gate.run(act=act, **asked))
        else:
            ran = gate.run(act=self.act, **asked)
        assert ran.result == "acted"
        self.unreported = ran.unreported

    def act(self, approved: Approved) -> str:
        self.ran.append(approved.payload)
        return "acted"

    def faults(self) -> list[str]:
        found = "ran" if self.denied is None else self.denied.code
        case, calls = self.case, self.calls
        payload = [scripted.payload(case).data] if found == "ran" else []
        checks: list[tuple[str, bool]] = [
            ("result", case["expect"] == found),
            ("act", self.ran == payload),
            ("outcome", set(self.outcomes) <= {"done"}),
            # A gate that does not wait with its answer is not asked all the time.
            ("looks", len(calls["look"]) <= 10),
        ]
        if "code" in case:
            code = self.denied.verifier_code if self.denied is not None else None
            checks.append(("code", code == case["code"]))
        for call, count in case.get("calls", {}).items():
            checks.append((call, len(calls[call]) == count))
        for call in ("create", "claim"):
            # Whatever is repeated is the same question.
            checks.append((f"one key to {call}", len(set(calls[call])) <= 1))
            checks.append((f"a key to {call}", all(calls[call])))
        return [f"{self.name}: {what}: {self.denied!r}" for what, fits in checks if not fits]


class Cases(unittest.TestCase):
    def test_every_case_ends_as_the_file_says(self) -> None:
        everything = [(case, kind) for case in CASES["cases"] for kind in (Gate, AsyncGate)]
        self.assertGreater(len(everything), 100)
        with ThreadPoolExecutor(4) as pool:
            played = list(pool.map(lambda one: Played(*one), everything))
        faults = [fault for one in played for fault in one.faults()]
        self.assertEqual(faults, [], "\n".join(faults))

    def test_an_act_that_is_not_reported_has_happened_all_the_same(self) -> None:
        name = "the result cannot be reported"
        case = next(case for case in CASES["cases"] if case["name"] == name)
        for kind in (Gate, AsyncGate):
            played = Played(case, kind)
            self.assertEqual(len(played.ran), 1)
            assert played.unreported is not None
            self.assertEqual(played.unreported.code, "denied.bad_answer")
