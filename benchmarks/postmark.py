"""A provider that thinks for some milliseconds about each call: `python -m benchmarks.postmark PORT MILLISECONDS`.

HTTP/1.1 with connections that stay open, and Postmark's answer to a single letter.
"""

import asyncio
import contextlib
import json
import re
import sys

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Call(asyncio.Protocol):
    """One connection; a call at a time."""

    number = 0

    def __init__(self, delay: float):
        self.delay, self.data, self.wanted = delay, bytearray(), 0
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.wanted and (end := self.data.find(b"\r\n\r\n")) > 0:
            length = _LENGTH.search(self.data, 0, end)
            self.wanted = end + 4 + (int(length[1]) if length else 0)
        if self.wanted and len(self.data) >= self.wanted:
            del self.data[: self.wanted]
            self.wanted = 0
            self.loop.call_later(self.delay, self.transport.write, self._answer())

    def _answer(self) -> bytes:
        Call.number += 1
        told = {"ErrorCode": 0, "Message": "OK", "MessageID": f"b7bc2f4a-{Call.number}", "To": "reader@example.org"}
        body = json.dumps(told | {"SubmittedAt": "2026-10-28T12:00:00Z"}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def serve(port: int, milliseconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Call(milliseconds / 1000), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
