"""How long an answer may take, and how large it may be.

A timeout of a socket begins anew with each byte. A provider, or a proxy before it, that says one byte now and then
would hold a lane, and the leases of its letters, without end.
"""

import http.client
import io
import socket
import time

SECONDS = 60  # for an answer, where the socket has no timeout
MOST = 1_000_000  # bytes of an answer, headers included; the largest real one, for a thousand recipients, has 200,000


class InTime(http.client.HTTPResponse):
    """An answer that is there, to its last byte, within the socket's timeout, and not larger than MOST.

    Raises OSError: TimeoutError where it is late.
    """

    def __init__(self, sock: socket.socket, *args, **options):
        super().__init__(_Socket(sock), *args, **options)


class _Socket:
    """What http.client asks of a socket to read from it."""

    def __init__(self, sock: socket.socket):
        self.sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.sock))


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket):
        self._sock, self._file = sock, sock.makefile("rb", buffering=0)
        self._latest = time.monotonic() + (sock.gettimeout() or SECONDS)
        self._left = MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        seconds = self._latest - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        if self._left <= 0:
            raise too_large()
        self._sock.settimeout(seconds)
        count = self._file.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def too_large() -> OSError:
    return OSError(f"the answer has more than {MOST:,} bytes")
