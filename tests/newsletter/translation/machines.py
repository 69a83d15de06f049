"""A machine that speaks as LibreTranslate and DeepL do, on a port of its own. It turns words into capitals."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BETWEEN_TAGS = re.compile(r"(<[^>]*>|&\w+;)")


class Machine(ThreadingHTTPServer):
    """`asked`: what came, as (path, headers, object). `status` and `body` replace its answer; `spoils` changes each
    translated sentence."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict, dict]] = []
        self.status, self.body, self.headers = 200, None, {}
        self.spoils = lambda words: words
        self.before = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Machine

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), asked))
        self.server.before()
        sentences = asked.get("q") or asked.get("text")
        said = [self.server.spoils(_capitals(one)) for one in sentences]
        answer = {"translatedText": said} if "q" in asked else {"translations": [{"text": one} for one in said]}
        body = self.server.body if self.server.body is not None else json.dumps(answer).encode()
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def _capitals(words: str) -> str:
    return "".join(part if part[:1] in "<&" else part.upper() for part in _BETWEEN_TAGS.split(words))


@contextmanager
def a_machine():
    server = Machine()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
