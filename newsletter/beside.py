"""An event loop beside the calling thread: coroutines talk to the wire, the calling thread to the database.

Django's connections belong to the thread that opened them, and libpq waits without holding the interpreter: while one
thread waits for a commit, the other serves the sockets.
"""

import asyncio
import contextvars
import queue
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

# How long the loop may keep the interpreter from the other thread. With Python's 5 ms a commit of half a millisecond
# took six; docs/sending.md tells more.
SWITCH_SECONDS = 0.0005

Here = Callable[..., Coroutine[Any, Any, Any]]
"""`await here(function, *args, **kwargs)`: what the function returns or raises, run on the calling thread."""


def run_beside(main: Callable[[Here], Coroutine[Any, Any, Any]]) -> Any:
    """Run `main(here)` on a loop in a thread of its own and serve its calls to `here` one at a time; return or raise
    what it does. An exception raised into the calling thread by a signal would leave the loop waiting for ever."""
    calls: queue.SimpleQueue = queue.SimpleQueue()
    ended: list[Any] = []

    async def here(function: Callable, *args, **kwargs) -> Any:
        future = asyncio.get_running_loop().create_future()
        calls.put((function, args, kwargs, future))
        return await future

    def stage() -> None:
        try:
            ended.append((asyncio.run(main(here)), None))
        except BaseException as error:
            ended.append((None, error))
        finally:
            calls.put(None)

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    thread = threading.Thread(target=contextvars.copy_context().run, args=(stage,), name="wire", daemon=True)
    thread.start()
    try:
        while call := calls.get():
            _serve(*call)
    finally:
        sys.setswitchinterval(before)
    thread.join()
    result, error = ended[0]
    if error:
        raise error
    return result


def _serve(function: Callable, args: tuple, kwargs: dict, future: asyncio.Future) -> None:
    try:
        result, error = function(*args, **kwargs), None
    except Exception as raised:
        result, error = None, raised
    future.get_loop().call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future, result: object, error: Exception | None) -> None:
    if future.done():  # given up meanwhile
        return
    if error:
        future.set_exception(error)
    else:
        future.set_result(result)
