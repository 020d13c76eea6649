"""Why nothing was done."""

from __future__ import annotations

import enum


class Reason(enum.Enum):
    """The kinds of denials. The value is the stable code: ``cosignet explain CODE``."""

    BAD_ANSWER = "denied.bad_answer"
    BREAK_GLASS = "denied.break_glass"
    BREAK_GLASS_OFF = "denied.break_glass_off"
    BREAK_GLASS_USED = "denied.break_glass_used"
    CANCELLED = "denied.cancelled"
    CLAIM_EXPIRED = "denied.claim_expired"
    CLAIM_TAKEN = "denied.claim_taken"
    CLOCK_SKEW = "denied.clock_skew"
    EXPIRED = "denied.expired"
    INVALID = "denied.invalid"
    JOURNAL = "denied.journal"
    KEY_REFUSED = "denied.key_refused"
    NO_RULE = "denied.no_rule"
    NOT_APPROVED = "denied.not_approved"
    NOT_VERIFIED = "denied.not_verified"
    OTHER_PAYLOAD = "denied.other_payload"
    OTHER_REQUEST = "denied.other_request"
    OUTCOME_UNKNOWN = "denied.outcome_unknown"
    REFUSED = "denied.refused"
    UNREACHABLE = "denied.unreachable"


_NEXT = {
    Reason.BAD_ANSWER: "Check the address of the gate; if it is right, ask its operator.",
    Reason.BREAK_GLASS: "Run `cosignet break-glass check` on the file: it says more.",
    Reason.BREAK_GLASS_OFF: (
        "Do it by a way that does not need this program; its owner can set break-glass up for the "
        "next time."
    ),
    Reason.BREAK_GLASS_USED: "Have a new file signed if it is to be done once more.",
    Reason.CANCELLED: "Ask again if it is still wanted.",
    Reason.CLAIM_EXPIRED: "Ask again, and claim sooner.",
    Reason.CLAIM_TAKEN: "Find out which one: an approval is good for one act.",
    Reason.CLOCK_SKEW: "Set the clock of this machine, or have that of the gate set.",
    Reason.EXPIRED: "Ask again, with more time or when the approvers are there.",
    Reason.INVALID: "Change the request as the message says.",
    Reason.JOURNAL: "Look at the file of the journal and the rights to it.",
    Reason.KEY_REFUSED: (
        "Use a key with the rights to create and to claim, and one that the rule lets claim."
    ),
    Reason.NO_RULE: "Have a rule written for it, or ask for something that a rule covers.",
    Reason.NOT_APPROVED: "Wait for the decision.",
    Reason.NOT_VERIFIED: "Run `cosignet verify` on the decision under the same policy.",
    Reason.OTHER_PAYLOAD: (
        "Treat the gate as broken or hostile: it has shown an approval of other bytes."
    ),
    Reason.OTHER_REQUEST: (
        "Treat the gate as broken or hostile: it has shown an approval of something else."
    ),
    Reason.OUTCOME_UNKNOWN: (
        "Look whether the act took effect. If it did not, ask again with another operation id."
    ),
    Reason.REFUSED: "Do not do it. Talk to the person who refused.",
    Reason.UNREACHABLE: "Check the network and the address of the gate.",
}


class Denied(Exception):
    """Nothing was done, and why."""

    #: The kind of denial.
    reason: Reason
    #: One sentence.
    message: str
    #: The verifier's own code, for a decision or a break-glass file that does not verify.
    verifier_code: str | None
    #: What would have been right.
    expected: str | None
    #: What was there instead.
    found: str | None
    #: What to do about it.
    next: str

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        verifier_code: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        next: str | None = None,
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.verifier_code = verifier_code
        self.expected = expected
        self.found = found
        self.next = next or _NEXT[reason]

    @property
    def code(self) -> str:
        """The stable code, such as ``denied.refused``."""
        return self.reason.value

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"
