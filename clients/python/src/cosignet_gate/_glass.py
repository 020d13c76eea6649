"""Whether a break-glass file permits an act: ``cosignet break-glass check``. Nothing is believed
but an exit status of 0 together with an answer to exactly this question."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256

from . import _json, _time
from ._members import Members, Wrong
from ._shown import plain, quote
from ._verifier import TIMEOUT, Verifier
from .denied import Denied, Reason

#: The longest action that a gate takes, in bytes.
_MAX_ACTION = 120


@dataclass(frozen=True)
class Permitted:
    """What the command says of a file that permits the act."""

    #: The moment that was judged.
    at: int
    grant_sha256: str
    #: The first moment, and the one behind the last.
    not_before: int
    not_after: int
    people: list[str]
    policy_sha256: str
    reason: str
    uses: int

    def require_time(self, now: int) -> None:
        """Raises if it is over. The command has judged a moment that has passed: it took its time,
        and somebody may have held the journal."""
        if not self.not_before <= now < self.not_after:
            message = f"the break-glass file permits nothing at {_time.write(now)}"
            expected = f"{_time.write(self.not_before)} to {_time.write(self.not_after)}"
            raise Denied(
                Reason.BREAK_GLASS,
                message,
                verifier_code="break_glass.window",
                expected=expected,
                found=_time.write(now),
            )


class Opening:
    """One question to the command."""

    def __init__(
        self, verifier: Verifier, settings: bytes, file: bytes, action: str, now: int
    ) -> None:
        self._verifier = verifier
        self._settings = settings
        self._file = file
        self._action = action
        self._now = now
        self._at = _time.write(now)

    def run(self) -> Permitted:
        """Asks the command."""
        if not isinstance(self._action, str) or "\0" in self._action:
            raise Denied(Reason.INVALID, "the action is no text")
        try:
            status, out, err = self._ask()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise _no_answer(f"cosignet break-glass cannot be run: {error}") from None
        if status != 0:
            raise _denied(status, err)
        # A longer one could never be reported.
        if not 1 <= len(self._action.encode("utf-8", "surrogatepass")) <= _MAX_ACTION:
            message = "the action is none that a gate could be told of"
            expected = f"1 to {_MAX_ACTION} bytes"
            code = "break_glass.other_action"
            raise Denied(Reason.BREAK_GLASS, message, verifier_code=code, expected=expected)
        try:
            return self._read(Members(_json.parse(out)))
        except (_json.JsonError, Wrong) as error:
            raise _no_answer(f"cosignet break-glass has answered something else: {error}") from None

    def _ask(self) -> tuple[int, bytes, bytes]:
        with tempfile.TemporaryDirectory(prefix="cosignet-glass-") as folder:
            # Whoever can write here changes nothing by it: people have signed file and roster, and
            # the settings name the policy. The settings themselves have nothing to hold them.
            with open(os.path.join(folder, "file.json"), "xb") as stream:
                stream.write(self._file)
            command = [*self._verifier.command(folder, "break-glass", "check")]
            command += ["--settings", "-", f"--action={self._action}", "--at", self._at]
            command += ["--format", "json", "--", "file.json"]
            done = subprocess.run(
                command, input=self._settings, capture_output=True, cwd=folder, timeout=TIMEOUT
            )
            return done.returncode, done.stdout, done.stderr

    def _read(self, said: Members) -> Permitted:
        grant = Members(_json.parse(self._file)).text("grant")
        grant_sha256 = sha256(grant.encode("utf-8")).hexdigest()
        for key, expected in [
            ("schema", "cosignet.break-glass-report/v1"),
            ("action", self._action),
            ("at", self._at),
            ("grantSha256", grant_sha256),
        ]:
            if said.text(key) != expected:
                raise said.wrong(key, plain(expected), said.text(key))
        people = said.texts("people")
        if len(set(people)) < 2:
            raise Wrong("people", "fewer than two people")
        return Permitted(
            at=self._now,
            grant_sha256=grant_sha256,
            not_before=said.time("notBefore"),
            not_after=said.time("notAfter"),
            people=people,
            policy_sha256=said.hash("policySha256"),
            reason=said.text("reason"),
            uses=_uses(said),
        )


def _uses(said: Members) -> int:
    number = said.value("uses")
    if not isinstance(number, _json.Number) or not number.token.isdecimal():
        raise Wrong("uses", "no whole number")
    return int(number.token)


def _denied(status: int, err: bytes) -> Denied:
    """What the command says is wrong: an error on standard error is a JSON object."""
    try:
        error = Members(_json.parse(err.strip()))
        code, message = error.text("code"), error.text("message")
        optional = {key: error.text(key) for key in ("expected", "found") if error.has(key)}
        next = f"Run `cosignet explain {plain(code)}`."
        return Denied(Reason.BREAK_GLASS, message, verifier_code=code, next=next, **optional)
    except (_json.JsonError, Wrong):
        words = quote(err.decode("utf-8", "replace").strip())
        return _no_answer(f"cosignet break-glass ended with {status}: {words}")


def _no_answer(message: str) -> Denied:
    next = "Look at the command that verifies: it has to be cosignet of this version."
    return Denied(Reason.BREAK_GLASS, message, next=next)
