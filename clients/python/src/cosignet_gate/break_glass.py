"""When the gate is not there: an act that several people have permitted in a file of their own.

::

    settings = Settings.load("/etc/payments/break-glass.json")
    glass = BreakGlass(file, "policy.toml", settings, cosignet="/usr/local/bin/cosignet")
    glass.run(action="payment.send", payload=payload, act=pay)

It has names and types of its own: nothing here makes an ``Approved``, and nothing that takes one
takes an ``Emergency``. It is off unless settings that the process cannot write switch it on.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, Generic, NoReturn, TypeVar

from . import _json, _own
from ._glass import Opening, Permitted
from ._members import Members, Wrong
from ._shown import plain, quote
from ._time import Clock
from ._verifier import AnyPath, Verifier
from .denied import Denied, Reason
from .payload import Payload
from .uses import Uses

T = TypeVar("T")

#: The longest settings, in bytes.
_MAX_SETTINGS = 64 * 1024

#: The longest file, in bytes.
_MAX_FILE = 128 * 1024

_SEAL = object()


class Settings:
    """Who may break the glass here, for what, and where it is written down. Without settings there
    is no break-glass."""

    __slots__ = ("_data", "_policy_sha256", "uses")

    def __init__(self, seal: object, data: bytes) -> None:
        if seal is not _SEAL:
            raise TypeError("Settings.load(path) and Settings.in_code(value) make settings")
        self._data = data
        try:
            members = Members(_json.parse(data))
            journal = members.text("journal")
            self._policy_sha256 = members.hash("policySha256")
        except (_json.JsonError, Wrong) as error:
            raise _no_settings(str(error)) from None
        if not os.path.isabs(journal):
            message = f"{quote(journal)} is not where a journal can be"
            raise Denied(Reason.BREAK_GLASS_OFF, message, expected="an absolute path")
        #: The journal.
        self.uses = Uses(journal)

    @classmethod
    def load(cls, path: AnyPath) -> Settings:
        """The settings in a file of root's: it and every folder above it, without links, have to
        belong to root, and nobody else may write them. So neither an argument nor a file of the
        user's own switches anything on.

        This holds against whoever chooses the path, and not against whoever chooses how the process
        starts: with another user namespace, ``LD_PRELOAD`` or ``PYTHONPATH`` nobody needs settings.
        Every file of root's that has this form counts, an old copy as well: keep none.
        """
        try:
            data = _own.read(path, _MAX_SETTINGS)
        except (OSError, ValueError) as error:
            raise _off(path, error) from None
        return cls(_SEAL, data)

    @classmethod
    def in_code(cls, value: dict[str, Any]) -> Settings:
        """Settings that are part of the program. Never make them of anything that comes with a
        request, an argument or a variable of the environment."""
        return cls(_SEAL, json.dumps(value).encode("utf-8"))


def _off(path: AnyPath, why: Exception) -> Denied:
    shown = plain(os.fsdecode(path))
    message = f"break-glass is not set up here: {shown} cannot be used: {why}"
    return Denied(Reason.BREAK_GLASS_OFF, message)


def _no_settings(why: str) -> Denied:
    message = f"the settings for break-glass do not follow their format: {why}"
    return Denied(Reason.BREAK_GLASS, message, verifier_code="break_glass.settings")


class Emergency:
    """An act that goes ahead without an approval, permitted and written down. ``BreakGlass`` alone
    makes one."""

    __slots__ = ("_action", "_file", "_grant_sha256", "_payload", "_people", "_reason", "_use_id")

    def __init__(
        self, seal: object, action: str, payload: bytes, file: str, permitted: Permitted
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("BreakGlass alone makes an Emergency")
        self._use_id = str(uuid.uuid4())
        self._action = action
        self._payload = payload
        self._file = file
        self._grant_sha256 = permitted.grant_sha256
        self._people = permitted.people
        self._reason = permitted.reason

    @property
    def use_id(self) -> str:
        """The id of this use: an idempotency key for whatever is to be done."""
        return self._use_id

    @property
    def action(self) -> str:
        """What is done."""
        return self._action

    @property
    def payload(self) -> bytes:
        """The bytes that the act is about."""
        return self._payload

    def json(self) -> Any:
        """The value in these bytes, read anew each time."""
        return json.loads(self._payload)

    @property
    def payload_sha256(self) -> str:
        """The hash of the payload, in hex."""
        return sha256(self._payload).hexdigest()

    @property
    def file(self) -> str:
        """The file, as it was used."""
        return self._file

    @property
    def grant_sha256(self) -> str:
        """The hash of what people signed, in hex."""
        return self._grant_sha256

    @property
    def people(self) -> list[str]:
        """The people who signed, each once, in the order of their names."""
        return list(self._people)

    @property
    def reason(self) -> str:
        """Why, as those say who signed."""
        return self._reason

    def __reduce__(self) -> NoReturn:
        raise TypeError("there is no copy of an Emergency")


@dataclass(frozen=True)
class Broken(Generic[T]):
    """An act that went ahead without an approval."""

    #: What the act returned.
    result: T
    #: The id of the use: in the journal, and later in the gate's events.
    use_id: str
    #: Why the journal was not told what came of it, if it was not.
    unwritten: Denied | None


class BreakGlass:
    """A file that several people have signed. It permits acts for an hour at most; each of them is
    written down before.

    ``file`` is the file's text, or its path as a ``Path``. ``policy`` is the policy's file, and has
    to be the one that the settings name; ``roster`` the roster's, for a policy that names one.
    ``cosignet`` is the absolute path of the command that judges the file. It has to be as much
    root's as the settings are; ``PATH`` has no say.
    """

    def __init__(
        self,
        file: bytes | str | Path,
        policy: AnyPath,
        settings: Settings,
        *,
        cosignet: AnyPath,
        roster: AnyPath | None = None,
    ) -> None:
        if not isinstance(settings, Settings):
            raise Denied(Reason.BREAK_GLASS_OFF, "break-glass needs Settings")
        self._file = _read(file)
        self._settings = settings
        self._verifier = Verifier(_judge(cosignet), policy, roster)
        self._clock = Clock()

    def run(
        self, *, action: str, payload: Payload | object, act: Callable[[Emergency], T]
    ) -> Broken[T]:
        """Writes into the journal that this is about to be done, says so on standard error, and
        only then calls ``act``, once. An exception of ``act`` is written down as failed, and raised
        again."""
        from .gate import _require_function, _require_result

        _require_function(act)
        if not isinstance(payload, Payload):
            payload = Payload.of(payload)
        emergency = self._begin(action, payload)
        try:
            result = act(emergency)
            _require_result(result)
        except Exception:
            unwritten = self._end(emergency, "failed")
            if unwritten is not None:
                print(f"BREAK-GLASS: {unwritten}", file=sys.stderr)
            raise
        return Broken(result, emergency.use_id, self._end(emergency, "done"))

    def _begin(self, action: str, payload: Payload) -> Emergency:
        now = self._clock.latest()
        opening = Opening(self._verifier, self._settings._data, self._file, action, now)
        permitted = opening.run()
        if permitted.policy_sha256 != self._settings._policy_sha256:
            message = "cosignet has answered for another policy"
            raise Denied(Reason.BREAK_GLASS, message)
        emergency = Emergency(_SEAL, action, payload.data, self._file.decode("utf-8"), permitted)
        self._settings.uses.begin(emergency, permitted, self._clock.latest)
        _shout(emergency, self._settings.uses)
        return emergency

    def _end(self, emergency: Emergency, event: str) -> Denied | None:
        try:
            self._settings.uses.end(emergency.use_id, event, self._clock.now())
        except Denied as denied:
            return denied
        return None


def _judge(cosignet: AnyPath) -> str:
    """The command. Whoever could name another one would need nobody's signature."""
    try:
        return _own.program(cosignet)
    except (OSError, TypeError, ValueError) as error:
        message = f"break-glass is not set up here: cosignet cannot be used: {error}"
        next = "Give the absolute path of a cosignet that belongs to root, in folders that do."
        raise Denied(Reason.BREAK_GLASS_OFF, message, next=next) from None


def _read(file: bytes | str | Path) -> bytes:
    if isinstance(file, Path):
        try:
            with file.open("rb") as stream:
                file = stream.read(_MAX_FILE + 1)
        except OSError as error:
            message = f"the break-glass file cannot be read: {error}"
            raise Denied(Reason.INVALID, message) from None
    data = file.encode("utf-8", "surrogatepass") if isinstance(file, str) else file
    if not isinstance(data, bytes):
        raise Denied(Reason.INVALID, "the break-glass file is neither text nor a path")
    return data


def _shout(emergency: Emergency, uses: Uses) -> None:
    """Whoever looks at this program has to see it. That nobody may be looking changes nothing."""
    people = ", ".join(plain(name) for name in emergency.people)
    text = (
        f"BREAK-GLASS: {plain(emergency.action)} is done WITHOUT AN APPROVAL, signed for by "
        f"{people}, because: {quote(emergency.reason)}\n"
        f"BREAK-GLASS: use {emergency.use_id} is in {plain(uses.path)}, and will be reviewed.\n"
    )
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
