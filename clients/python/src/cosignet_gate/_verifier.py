"""Verification by the native command: ``cosignet verify``.

The policy is read once, when the gate is described, and each verification gets these bytes: whoever
changes the file later changes nothing. The decision goes in by standard input, and nothing is
believed but an exit status of 0 together with a report that answers exactly this question.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Union

from . import _json, _time
from ._members import Members, Wrong
from ._shown import plain, quote
from ._steps import Task
from .denied import Denied, Reason

#: The longest policy, in bytes.
_MAX_POLICY = 1024 * 1024

#: The longest roster's file, in bytes.
_MAX_ROSTER = 64 * 1024 * 1024

#: The longest time for one run of the command, in seconds.
TIMEOUT = 60.0

_SEAL = object()

AnyPath = Union[str, "os.PathLike[str]"]

#: The verifier's codes that have a denial of their own.
_REASONS = {
    "payload.mismatch": Reason.OTHER_PAYLOAD,
    "time.in_future": Reason.CLOCK_SKEW,
}


@dataclass(frozen=True)
class Question:
    """What is to be found out about a decision."""

    decision: bytes
    payload_hash: str
    at: int


class Verified:
    """The report on a decision that verified under the caller's policy. Verification alone makes
    one."""

    __slots__ = ("action", "expires", "report", "request_id")

    def __init__(self, seal: object, report: str, signed: Members) -> None:
        if seal is not _SEAL:
            raise TypeError("verification alone makes a Verified")
        self.report = report
        self.request_id = signed.text("requestId")
        self.action = signed.text("action")
        self.expires = signed.time("expiresAt")


class Verifier:
    """The command, and the caller's trust."""

    def __init__(self, command: AnyPath | None, policy: AnyPath, roster: AnyPath | None) -> None:
        self._command = _find("cosignet" if command is None else str(command))
        self._policy = _File.read("policy", policy, _MAX_POLICY)
        self._roster = None if roster is None else _File.read("roster", roster, _MAX_ROSTER)
        #: The policy's identity, once the command has read it.
        self.policy_sha256: str | None = None

    def check(self) -> Check:
        """Finds out whether the command is one that verifies, and can read the policy."""
        return Check(self)

    def verify(self, question: Question) -> Verification:
        """Verifies a decision."""
        return Verification(self, question)

    def command(self, folder: str, *words: str) -> list[str]:
        """The beginning of a command line: what is to be done, and the caller's trust."""
        command = [self._command, *words, "--policy", self._policy.put(folder)]
        if self._roster is not None:
            command += ["--roster", self._roster.put(folder)]
        return command

    def start(self, folder: str, more: list[str]) -> subprocess.Popen[bytes]:
        """Starts the command; the evidence goes in by standard input."""
        command = self.command(folder, "verify")
        command += [*more, "--format", "json", "--", "-"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder)


@dataclass(frozen=True)
class _File:
    name: str
    data: bytes

    @classmethod
    def read(cls, what: str, path: AnyPath, limit: int) -> _File:
        try:
            file = Path(path)
        except TypeError:
            raise Denied(Reason.INVALID, f"the {what} is not the path of a file") from None
        try:
            # A pipe would be waited for.
            if not file.is_file():
                raise OSError("there is no regular file of this name")
            with file.open("rb") as stream:
                data = stream.read(limit + 1)
        except (OSError, ValueError) as error:
            message = f"the {what} {quote(str(file))} cannot be read: {error}"
            raise Denied(Reason.INVALID, message) from None
        if len(data) > limit:
            message = f"the {what} {quote(str(file))} has more than {limit} bytes"
            raise Denied(Reason.INVALID, message)
        # The command goes by the extension.
        suffix = file.suffix if file.suffix in (".json", ".toml") else ""
        return cls(what + suffix, data)

    def put(self, folder: str) -> str:
        path = os.path.join(folder, self.name)
        with open(path, "xb") as stream:
            stream.write(self.data)
        return path


def _find(command: str) -> str:
    found = shutil.which(command)
    if found is None:
        message = f"the command {plain(command)}, which verifies, is not there"
        next = "Install cosignet, or say where it is: Gate(…, cosignet=PATH)."
        raise Denied(Reason.INVALID, message, next=next)
    return os.path.abspath(found)


class _NoReport(Exception):
    """The command did not end with a report."""


class _Process:
    """One run of the command."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._aborted = False

    def abort(self) -> None:
        with self._lock:
            self._aborted = True
            if self._process is not None:
                self._process.kill()

    def report(self, evidence: bytes, more: list[str]) -> tuple[int, str, Members]:
        """Exit status and report, as text and its members."""
        try:
            status, out, err = self._run(evidence, more)
        except (OSError, subprocess.SubprocessError) as error:
            raise _NoReport(f"cosignet verify cannot be run: {error}") from None
        try:
            report = Members(_json.parse(out))
            if report.text("schema") == "cosignet.report/v1":
                return status, out.decode("utf-8").strip(), report
        except (_json.JsonError, Wrong):
            pass
        raise _NoReport(f"cosignet verify ended with {status} and no report{_words(err)}")

    def _run(self, evidence: bytes, more: list[str]) -> tuple[int, bytes, bytes]:
        with tempfile.TemporaryDirectory(prefix="cosignet-gate-") as folder:
            with self._lock:
                if self._aborted:
                    raise OSError("it was given up")
                process = self._verifier.start(folder, more)
                self._process = process
            with process:
                try:
                    out, err = process.communicate(evidence, TIMEOUT)
                finally:
                    process.kill()
            return process.returncode, out, err


def _words(err: bytes) -> str:
    """What the command says is wrong: an error on standard error is a JSON object, too."""
    text = err.decode("utf-8", "replace").strip()
    try:
        error = Members(_json.parse(text.encode("utf-8")))
        return f": {quote(error.text('message'))} ({plain(error.text('code'))})"
    except (_json.JsonError, Wrong):
        return f": {quote(text)}" if text else ""


class Check(Task[None]):
    """A run over no evidence at all: it finds out before anybody is asked whether the command and
    the policy are good for a verification."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._process = _Process(verifier)

    def run(self) -> None:
        try:
            _, _, report = self._process.report(b"{}", [])
            self._verifier.policy_sha256 = report.members("policy").hash("sha256")
        except (_NoReport, Wrong) as error:
            next = "Mend the policy: `cosignet policy check` says more. Or name another command."
            raise Denied(Reason.INVALID, str(error), next=next) from None

    def abort(self) -> None:
        self._process.abort()


class Verification(Task[Verified]):
    """A run over a decision."""

    def __init__(self, verifier: Verifier, question: Question) -> None:
        self._verifier = verifier
        self._question = question
        self._process = _Process(verifier)

    def run(self) -> Verified:
        asked = self._question
        at = _time.write(asked.at)
        more = ["--payload-sha256", asked.payload_hash, "--at", at]
        try:
            status, text, report = self._process.report(asked.decision, more)
            self._require_answer(report, at)
            if report.text("verdict") != "VERIFIED":
                raise _not_verified(report)
            if status != 0 or report.text("code") != "ok":
                raise _NoReport(f"cosignet verify says VERIFIED and ended with {status}")
            if report.value("signed") is None:
                message = "the decision does not say which request it was for"
                raise Denied(Reason.OTHER_REQUEST, message)
            return Verified(_SEAL, text, report.members("signed"))
        except (_NoReport, Wrong) as error:
            next = "Look at the command that verifies: it has to be cosignet of this version."
            raise Denied(Reason.NOT_VERIFIED, str(error), next=next) from None

    def abort(self) -> None:
        self._process.abort()

    def _require_answer(self, report: Members, at: str) -> None:
        """A report on something else proves nothing here."""
        inputs = report.members("inputs")
        answers = [
            ("the decision", sha256(self._question.decision).hexdigest(), "bundleSha256", inputs),
            ("the payload", self._question.payload_hash, "payloadSha256", inputs),
            ("the time", at, "at", report),
            ("the policy", self._verifier.policy_sha256, "sha256", report.members("policy")),
        ]
        for what, expected, key, members in answers:
            found = members.text(key)
            if found != expected:
                message = f"cosignet verify has reported on something else: {what} is another one"
                raise Denied(Reason.NOT_VERIFIED, message, expected=expected, found=plain(found))


def _not_verified(report: Members) -> Denied:
    verdict, code = plain(report.text("verdict")), report.text("code")
    # The verifier's own words quote whatever comes from the evidence.
    message = f"the decision is {verdict}, {plain(code)}: {report.text('summary')}"
    reason = _REASONS.get(code, Reason.NOT_VERIFIED)
    next = f"Run `cosignet explain {plain(code)}`." if reason is Reason.NOT_VERIFIED else None
    return Denied(reason, message, verifier_code=code, next=next)
