"""From a question to an act, or to the reason why there is none: the order of things, without doing
any of them."""

from __future__ import annotations

import secrets

from . import _answer, _json
from ._answer import Claimed, Seen
from ._connection import Call, Connection
from ._http import Answer, monotonic
from ._members import is_uuid
from ._shown import quote
from ._steps import Pause, Steps, perform
from ._time import Clock
from ._verifier import Question, Verifier
from .approved import Approved, Asked, approved, same_payload, same_request
from .ask import Ask
from .asking import Asking, asking
from .denied import Denied, Reason
from .journal import Journal, Look, Write
from .uses import MarkReported, Reported, Unreported, Use, Uses

#: How long the gate is asked to wait with an answer, in seconds: below the 60 of most proxies.
_LONG_POLL = 25

#: The time between two looks at a gate that answers at once, in seconds.
_BETWEEN_LOOKS = 0.5

#: What an answer means where a request exists, by status and code.
_REFUSALS: dict[tuple[int, str], Reason] = {
    (409, "claim.not_approved"): Reason.NOT_APPROVED,
    (409, "claim.taken"): Reason.CLAIM_TAKEN,
    (410, "claim.expired"): Reason.CLAIM_EXPIRED,
    (422, "claim.mismatch"): Reason.OTHER_PAYLOAD,
}


class Rules:
    """What a client of the gate does, and in which order."""

    def __init__(
        self,
        connection: Connection,
        verifier: Verifier | None,
        journal: Journal | None,
        patience: float,
    ) -> None:
        self.connection = connection
        self.verifier = verifier
        self.journal = journal
        self.patience = patience
        self.clock = Clock()

    def request(self, ask: Ask) -> Steps[Asking]:
        """Makes the request, and waits for nobody."""
        operation = yield from self._operation(ask)
        yield from self._check()
        began = self.clock.now()
        call = Call("", operation=operation, json=ask.to_json())
        answer = yield from self.connection.ask(call, self._soon())
        if answer.status not in (200, 201):
            raise self._not_asked(call, answer)
        # Only an operation that was tried before can have made its request before.
        resumed = ask.operation is not None and answer.status == 200
        seen = Seen.read(answer.body)
        return asking(ask, operation, seen, began, self.clock.now(), is_new=not resumed)

    def find(self, id: str, ask: Ask) -> Steps[Asking]:
        """The request with this id, which was made for the same payload."""
        if not isinstance(id, str) or not is_uuid(id):
            raise Denied(Reason.INVALID, f"{quote(str(id))} is not the id of a request")
        operation = yield from self._operation(ask)
        yield from self._check()
        call = Call(f"/{id}", claims=True)
        answer = yield from self.connection.ask(call, self._soon())
        if answer.status != 200:
            raise self._unexpected(call, answer)
        seen = Seen.read(answer.body)
        same_request(id, seen.id)
        now = self.clock.now()
        return asking(ask, operation, seen, now, now, is_new=False)

    def wait(self, asking: Asking) -> Steps[None]:
        """Waits until the gate says that it is approved, which permits nothing yet."""
        seen = asking._seen
        while True:
            seen.require_open()
            if seen.status == "approved":
                return
            left = asking._until - monotonic()
            if left <= 0:
                message = f"nobody decided until {asking.expires_at}"
                raise Denied(Reason.EXPIRED, message)
            # The gate is the one that says that the time is over, a moment later.
            call = Call(f"/{asking.id}", wait=min(_LONG_POLL, int(left + 1)))
            looked = monotonic()
            answer = yield from self.connection.ask(call, asking._until)
            if answer.status != 200:
                raise self._unexpected(call, answer)
            seen = Seen.read(answer.body)
            same_request(asking.id, seen.id)
            same_payload(asking._ask.payload.sha256, seen.payload_hash)
            if seen.status == "pending" and monotonic() - looked < _BETWEEN_LOOKS:
                # A gate that does not wait is not asked all the time.
                yield from perform(Pause(_BETWEEN_LOOKS))

    def claim(self, asking: Asking) -> Steps[Approved]:
        """Waits, claims, verifies, and writes into the journal that the act begins."""
        if self.verifier is None:
            message = "a claim needs a policy: without one nothing is ever verified"
            raise Denied(Reason.INVALID, message)
        yield from self.wait(asking)
        payload = asking._ask.payload
        body = _json.to_text({"payloadHash": payload.sha256}).encode("utf-8")
        call = Call(f"/{asking.id}/claim", claims=True, operation=asking._operation, json=body)
        answer = yield from self.connection.ask(call, self._soon())
        if answer.status != 200:
            raise self._unexpected(call, answer)
        claimed = Claimed.read(answer.body)
        asked = Asked(asking.id, asking._ask.action, payload.data, asking._began)
        question = Question(claimed.decision, payload.sha256, self.clock.now())
        verified = yield from perform(self.verifier.verify(question))
        approval = approved(claimed, asking._operation, asked, verified)
        asking._take()
        if self.journal is not None:
            yield from perform(Write(self.journal, approval, "claimed", self.clock.now()))
        return approval

    def report(self, approval: Approved, outcome: str) -> Steps[None]:
        """Tells the journal and the gate what became of it."""
        unwritten: Denied | None = None
        if self.journal is not None:
            try:
                yield from perform(Write(self.journal, approval, outcome, self.clock.now()))
            except Denied as error:
                unwritten = error
        try:
            yield from self._tell(approval, outcome)
        except Denied as error:
            raise unwritten or error from None
        if unwritten is not None:
            raise unwritten

    def _tell(self, approval: Approved, outcome: str) -> Steps[None]:
        body = _json.to_text({"outcome": outcome}).encode("utf-8")
        call = Call(f"/{approval.request_id}/result", claims=True, json=body)
        answer = yield from self.connection.ask(call, self._soon())
        if answer.status != 200:
            raise self._unexpected(call, answer)

    def report_break_glass(self, uses: Uses) -> Steps[Reported]:
        """Tells the gate about uses that it does not know all of yet. One that does not answer is
        not asked about the others."""
        told, invalid, failed = 0, 0, None
        for use in (yield from perform(Unreported(uses))):
            try:
                is_valid = yield from self._tell_use(use)
                yield from perform(MarkReported(uses, use, self.clock.now()))
                told += 1
                invalid += not is_valid
            except Denied as denied:
                failed = failed or denied
                if denied.reason is Reason.UNREACHABLE:
                    break
        if failed is not None:
            raise failed
        return Reported(told, invalid)

    def _tell_use(self, use: Use) -> Steps[bool]:
        call = Call("/v1/break-glass", claims=True, json=use.report(), from_root=True)
        answer = yield from self.connection.ask(call, self._soon())
        if answer.status not in (200, 201):
            raise self._unexpected(call, answer)
        return _answer.same_use(answer.body, use.use_id)

    def _check(self) -> Steps[None]:
        """Nobody is asked for an approval that could not be verified."""
        if self.verifier is not None and self.verifier.policy_sha256 is None:
            yield from perform(self.verifier.check())

    def _operation(self, ask: Ask) -> Steps[str]:
        """The caller's id of the operation, if it may act; else a new one."""
        if ask.operation is None:
            return secrets.token_hex(16)
        if self.journal is None:
            message = (
                "an operation that can be tried again needs a journal, which remembers whether it "
                "has acted"
            )
            raise Denied(Reason.JOURNAL, message)
        yield from perform(Look(self.journal, ask.operation))
        return ask.operation

    def _soon(self) -> float:
        return monotonic() + self.patience

    def _not_asked(self, call: Call, answer: Answer) -> Denied:
        """A request that the gate does not take."""
        if (answer.status, _answer.code(answer.body)) == (403, "rule.none"):
            reason = Reason.NO_RULE
        elif answer.status in (401, 403):
            reason = Reason.KEY_REFUSED
        elif answer.status in (400, 409, 413, 422):
            reason = Reason.INVALID
        else:
            reason = Reason.BAD_ANSWER
        return Denied(reason, answer.refused(self.connection.address(call)))

    def _unexpected(self, call: Call, answer: Answer) -> Denied:
        """An answer other than that to a request that exists and is approved."""
        if answer.status in (401, 403):
            reason = Reason.KEY_REFUSED
        else:
            key = (answer.status, _answer.code(answer.body))
            reason = _REFUSALS.get(key, Reason.BAD_ANSWER)
        return Denied(reason, answer.refused(self.connection.address(call)))
