"""One-click POSTs (RFC 8058) as mail providers make them: each from another reader, over connections that stay open."""

import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

BODY = b"List-Unsubscribe=One-Click"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Pressed:
    """`waits`: the seconds until each answer."""

    seconds: float
    waits: list[float]

    def figures(self) -> dict[str, float]:
        hundredths = statistics.quantiles(self.waits, n=100)
        return {
            "posts": len(self.waits),
            "rate": len(self.waits) / self.seconds,
            "median_ms": hundredths[49] * 1000,
            "p99_ms": hundredths[98] * 1000,
        }


def press(
    port: int, paths: Iterable[str], *, host: str, connections: int, seconds: float, each: float = 0.0
) -> Pressed:
    """POST to one path after the other for so long. `each`: a POST is due every so many seconds, and an answer's time
    counts from there, so that one who waits in line waits; 0: each connection posts as soon as it was answered.

    Raises RuntimeError when an answer is not 200.
    """
    left, line, waits, wrong = iter(paths), threading.Lock(), [], []
    numbers, start = itertools.count(), time.monotonic()

    def drive() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            while not wrong:
                with line:
                    due, path = start + next(numbers) * each, next(left)
                if max(due, time.monotonic()) > start + seconds:
                    return
                time.sleep(max(0.0, due - time.monotonic()))
                begun = due if each else time.monotonic()
                if (status := _post(connection, path, host)) != 200:
                    wrong.append(status)
                waits.append(time.monotonic() - begun)
        except Exception as error:  # what a thread raises, nobody hears
            wrong.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=drive) for _number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError(f"A POST came to {wrong[0]}.")
    return Pressed(time.monotonic() - start, waits)


def _post(connection: http.client.HTTPConnection, path: str, host: str) -> int:
    connection.request("POST", path, BODY, HEADERS | {"Host": host})
    response = connection.getresponse()
    response.read()
    return response.status
