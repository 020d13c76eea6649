"""The client, for callers that wait."""

from __future__ import annotations

import inspect
import logging
import os
from dataclasses import dataclass
from typing import Any, Callable, Generic, TypeVar, Union

from ._connection import Connection, Keys
from ._rules import Rules
from ._steps import drive
from ._verifier import Verifier
from .approved import Approved
from .ask import Ask
from .asking import Asking
from .break_glass import Settings
from .denied import Denied, Reason
from .journal import Journal
from .payload import Payload
from .uses import Reported

T = TypeVar("T")

AnyPath = Union[str, "os.PathLike[str]"]

_log = logging.getLogger("cosignet_gate")


@dataclass(frozen=True)
class Ran(Generic[T]):
    """An act that was allowed, and happened."""

    #: What the act returned.
    result: T
    #: Why the gate, or the journal, was not told about it, if it was not.
    unreported: Denied | None


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        url: str,
        key: str | Keys,
        policy: AnyPath | None,
        *,
        roster: AnyPath | None = None,
        journal: Journal | AnyPath | None = None,
        cosignet: AnyPath | None = None,
        patience: float = 60.0,
    ) -> None:
        connection = Connection(url, Keys.of(key))
        verifier = None if policy is None else Verifier(cosignet, policy, roster)
        if journal is not None and not isinstance(journal, Journal):
            journal = Journal(journal)
        if not isinstance(patience, (int, float)) or not 0 <= patience < float("inf"):
            raise Denied(Reason.INVALID, "patience is not a number of seconds")
        self._rules = Rules(connection, verifier, journal, patience)


class Gate(_Client):
    """A gate, the keys for it, and the policy that decides.

    ``policy`` is the file of the caller's own trust policy (TOML or JSON). It is read now, and
    decides whatever the gate says. ``None`` is for callers that ask and wait, and leave it to
    others to claim and to act. ``roster`` is the roster's file, for a policy that names a roster.
    ``cosignet`` is the command that verifies; else it is looked for on PATH, now. ``journal``
    remembers acts over restarts. For ``patience`` seconds questions are repeated that nobody has to
    think about.

    Every failure is a ``Denied``, with the reason.
    """

    def run(
        self,
        *,
        action: str,
        payload: Payload | object,
        act: Callable[[Approved], T],
        username: str | None = None,
        group: str | None = None,
        expires_in: int | None = None,
        operation: str | None = None,
        asked: Callable[[Asking], object] | None = None,
    ) -> Ran[T]:
        """Asks, waits for people to decide, claims the approval, verifies it, and only then calls
        ``act``, once. What comes of it is reported to the gate as done or failed.

        ``asked`` is called when the request is made and nobody has decided yet: it can tell people
        where they decide. An exception of ``act`` is reported as failed, and raised again.
        """
        _require_function(act)
        ask = Ask(
            action,
            payload,
            username=username,
            group=group,
            expires_in=expires_in,
            operation=operation,
        )
        asking = self.request(ask)
        if asked is not None:
            asked(asking)
        return self.act(asking, act)

    def act(self, asking: Asking, act: Callable[[Approved], T]) -> Ran[T]:
        """The rest of ``run``, for a request that was made."""
        _require_function(act)
        approved = self.claim(asking)
        try:
            result = act(approved)
            _require_result(result)
        except Exception:
            # Whatever else ends the act, such as KeyboardInterrupt, leaves its outcome unknown.
            unreported = self._unreported(approved, "failed")
            warn(approved, unreported)
            raise
        return Ran(result, self._unreported(approved, "done"))

    def request(self, ask: Ask) -> Asking:
        """Makes the request, and waits for nobody."""
        return drive(self._rules.request(ask))

    def find(self, id: str, ask: Ask) -> Asking:
        """The request with this id, which was made for the same action and payload, perhaps by
        another process."""
        return drive(self._rules.find(id, ask))

    def wait(self, asking: Asking) -> None:
        """Waits until the gate says that it is approved, which permits nothing yet."""
        drive(self._rules.wait(asking))

    def claim(self, asking: Asking) -> Approved:
        """Waits, claims, verifies, and writes into the journal that the act begins. The caller acts
        once, and reports it."""
        return drive(self._rules.claim(asking))

    def report_done(self, approved: Approved) -> None:
        """Tells the journal and the gate that the act was done."""
        drive(self._rules.report(approved, "done"))

    def report_failed(self, approved: Approved) -> None:
        """Tells the journal and the gate that the act was tried, and failed."""
        drive(self._rules.report(approved, "failed"))

    def report_break_glass(self, settings: Settings) -> Reported:
        """Tells the gate about uses of break-glass files that it does not know all of yet. Look at
        ``invalid`` of what it returns."""
        return drive(self._rules.report_break_glass(settings.uses))

    def _unreported(self, approved: Approved, outcome: str) -> Denied | None:
        try:
            drive(self._rules.report(approved, outcome))
        except Denied as denied:
            return denied
        return None


def warn(approved: Approved, unreported: Denied | None) -> None:
    """Logs that a failure was not reported, where an exception takes the place of a ``Ran``."""
    if unreported is not None:
        _log.warning(
            "the act for request %s failed, and not everybody knows it: %s",
            approved.request_id,
            unreported,
        )


def _require_function(act: Any) -> None:
    if not callable(act) or inspect.iscoroutinefunction(act):
        message = "the act is not a function that is called and done; AsyncGate awaits one"
        raise Denied(Reason.INVALID, message)


def _require_result(result: Any) -> None:
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(
            "the act returned something to be awaited, which Gate does not; see AsyncGate"
        )
