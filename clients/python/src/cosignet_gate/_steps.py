"""The rules are generators that do nothing themselves: they yield tasks, and whoever drives them
does these, on the caller's thread or beside an event loop. So the rules exist once.

::

    rules ── Task ──► driver          run it, wait for it
    rules ◄─ result or exception ──   send, throw
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R", covariant=True)


class Task(Generic[R]):
    """Something that takes time."""

    #: Whether a caller that gives up may leave it to end by itself.
    may_be_left = True

    def run(self) -> R:
        """Does it on this thread."""
        raise NotImplementedError

    def abort(self) -> None:
        """Has it end soon, from another thread, as far as it can."""


class Pause(Task[None]):
    """A pause, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def run(self) -> None:
        time.sleep(self.seconds)


Steps = Generator[Task[Any], Any, T]


def perform(task: Task[T]) -> Steps[T]:
    """Has a task done, and returns its result."""
    result: T = yield task
    return result


def drive(steps: Steps[T]) -> T:
    """Does all tasks on this thread."""
    try:
        task = next(steps)
        while True:
            try:
                result = task.run()
            except Exception as error:
                task = steps.throw(error)
            else:
                task = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


async def drive_async(steps: Steps[T]) -> T:
    """Does all tasks beside the running event loop."""
    try:
        task = next(steps)
        while True:
            try:
                result = await _beside(task)
            except Exception as error:
                task = steps.throw(error)
            else:
                task = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


async def _beside(task: Task[Any]) -> Any:
    """Does a task on a thread of its own: a pool would let those who wait keep others waiting."""
    if isinstance(task, Pause):
        await asyncio.sleep(task.seconds)
        return None
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: Any) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = task.run()
        except Exception as error:
            failure = error
        try:
            loop.call_soon_threadsafe(tell, result, failure)
        except RuntimeError:
            # The loop has ended, and nobody waits any more.
            pass

    threading.Thread(target=work, name="cosignet-gate", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        task.abort()
        if not task.may_be_left:
            await asyncio.wait([done])
        raise
