"""The internet as tests have it: names, and public addresses behind which a server of this machine answers.

`with Internet(monkeypatch) as net:` puts itself in the place of name look-ups and connections, and of nothing of ours.
Whoever connects to an address that is not in it gets an error, and `net.connected` tells all that was tried.
"""

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import dns.resolver

PUBLIC = "93.184.216.34"


@dataclass
class Site:
    """How a host answers: a status, headers, or whatever `serve(handler)` does."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    serve: Callable | None = None
    head: int | None = None  # to HEAD, if it answers that in another way


class Internet:
    def __init__(self, monkeypatch, *, tls: ssl.SSLContext | None = None):
        # All that is served stands behind PUBLIC.
        self.names: dict[str, list[list[str]]] = {}  # by name, the answers one after another; the last one stays
        self.sites: dict[str, dict[str, Site]] = {}  # by host, by path
        self.connected: list[tuple[str, int]] = []
        self.asked: list[tuple[str, str, str]] = []  # method, host, path
        self.agents: set[str] = set()
        self.moments: list[float] = []
        self._patch, self._tls = monkeypatch, tls

    def site(self, host: str, path: str = "/", *, at: list[str] | None = None, **how) -> str:
        """A page of a host; its address."""
        self.names.setdefault(host, [at or [PUBLIC]])
        self.sites.setdefault(host, {})[path] = Site(**how)
        return f"http://{host}{path}"

    def __enter__(self) -> "Internet":
        net = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                host = self.headers["Host"]
                net.asked.append((self.command, host, self.path))
                net.agents.add(self.headers["User-Agent"])
                net.moments.append(time.monotonic())
                site = net.sites.get(host, {}).get(self.path, Site(404))
                if site.serve:
                    site.serve(self)
                    return
                self.send_response(site.head if site.head and self.command == "HEAD" else site.status)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_HEAD = answer  # noqa: N815  # names of http.server

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self._connect = socket.create_connection
        self._patch.setattr(socket, "getaddrinfo", self._names)
        self._patch.setattr(socket, "create_connection", self._connection)
        self._patch.setattr(dns.resolver, "resolve", self._name_server)
        return self

    def __exit__(self, *exc) -> None:
        self._patch.setattr(socket, "create_connection", self._connect)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _names(self, host, port, *args, **kwargs):
        answers = self.names.get(host)
        if answers is None:
            try:  # an address, in any of the ways that C reads
                answers = [[socket.inet_ntoa(socket.inet_aton(host))]]
            except OSError:
                answers = [[host]] if ":" in host else []
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if found == ["again"]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    def _name_server(self, host, kind, *, lifetime):
        """Asked only where nothing was found above."""
        if host in self.names:
            raise dns.resolver.NoNameservers
        raise dns.resolver.NXDOMAIN

    def _connection(self, address, timeout=None, **kwargs):
        self.connected.append(address)
        if address[0] == PUBLIC:
            return self._connect(("127.0.0.1", self._server.server_port), timeout=timeout)
        raise ConnectionRefusedError
