"""The client, for callers in an event loop. Waiting and verifying happen beside it, on threads."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Callable, TypeVar

from ._steps import drive_async
from .approved import Approved
from .ask import Ask
from .asking import Asking
from .break_glass import Settings
from .denied import Denied, Reason
from .gate import Ran, _Client, warn
from .payload import Payload
from .uses import Reported

T = TypeVar("T")


class AsyncGate(_Client):
    """``Gate``, for an event loop. The act is an ``async`` function.

    A call that is cancelled does nothing more. Cancelled before the claim, it leaves the request
    open; people may still decide it, and ``find`` finds it. Cancelled during the act, it leaves an
    outcome that is unknown.
    """

    async def run(
        self,
        *,
        action: str,
        payload: Payload | object,
        act: Callable[[Approved], Awaitable[T]],
        username: str | None = None,
        group: str | None = None,
        expires_in: int | None = None,
        operation: str | None = None,
        asked: Callable[[Asking], object] | None = None,
    ) -> Ran[T]:
        """``Gate.run``."""
        _require_function(act)
        ask = Ask(
            action,
            payload,
            username=username,
            group=group,
            expires_in=expires_in,
            operation=operation,
        )
        asking = await self.request(ask)
        if asked is not None:
            asked(asking)
        return await self.act(asking, act)

    async def act(self, asking: Asking, act: Callable[[Approved], Awaitable[T]]) -> Ran[T]:
        """The rest of ``run``, for a request that was made."""
        _require_function(act)
        approved = await self.claim(asking)
        try:
            result = await act(approved)
        except Exception:
            # Whatever else ends the act, such as its cancellation, leaves its outcome unknown.
            unreported = await self._unreported(approved, "failed")
            warn(approved, unreported)
            raise
        return Ran(result, await self._unreported(approved, "done"))

    async def request(self, ask: Ask) -> Asking:
        """``Gate.request``."""
        return await drive_async(self._rules.request(ask))

    async def find(self, id: str, ask: Ask) -> Asking:
        """``Gate.find``."""
        return await drive_async(self._rules.find(id, ask))

    async def wait(self, asking: Asking) -> None:
        """``Gate.wait``."""
        await drive_async(self._rules.wait(asking))

    async def claim(self, asking: Asking) -> Approved:
        """``Gate.claim``."""
        return await drive_async(self._rules.claim(asking))

    async def report_done(self, approved: Approved) -> None:
        """``Gate.report_done``."""
        await drive_async(self._rules.report(approved, "done"))

    async def report_failed(self, approved: Approved) -> None:
        """``Gate.report_failed``."""
        await drive_async(self._rules.report(approved, "failed"))

    async def report_break_glass(self, settings: Settings) -> Reported:
        """``Gate.report_break_glass``."""
        return await drive_async(self._rules.report_break_glass(settings.uses))

    async def _unreported(self, approved: Approved, outcome: str) -> Denied | None:
        try:
            await drive_async(self._rules.report(approved, outcome))
        except Denied as denied:
            return denied
        return None


def _require_function(act: Any) -> None:
    if not callable(act):
        raise Denied(Reason.INVALID, "the act is not an async function")
