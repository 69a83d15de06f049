"""The wire under Anymail: one HTTP connection, no retries, and no second call but the very same one under its key.

requests and boto would try again by themselves, or follow a redirect with the same POST; both are switched off. What
is left is what a provider with idempotency keys allows: the same bytes under the same key are taken once.
"""

import json
import os
import threading
import time
from functools import lru_cache
from urllib.parse import quote_plus

import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from newsletter.transports import provider_answer
from newsletter.transports.provider_answer import InTime
from newsletter.transports.provider_batch import Provider
from newsletter.transports.provider_outcomes import Doubt, error_name, read_json, retry_after

CONNECT_SECONDS, READ_SECONDS = 10, 60  # to be connected; to the last byte of an answer
KEYED_READ_SECONDS = 20  # with a key, an answer that was not waited for is not lost: the next call gets it
PAUSES = (1.0, 3.0, 9.0)  # seconds before the same call again; it ends with them, or with `_patience`


class Session(requests.Session):
    """Anymail's session, on our wire. `token` is the reader's, so that the rest of a form is encoded once for all."""

    def __init__(self, plain: requests.Session, api_url: str, provider: Provider, closing: threading.Event):
        super().__init__()
        self.headers, self.hooks = plain.headers, plain.hooks
        self.wire = Wire(provider, closing)
        self.mount("https://", self.wire)
        self.mount("http://", self.wire)
        self.max_redirects = 0
        # What the environment says is read once; requests would read it, and look for a .netrc, at each call.
        self.trust_env = False
        self.proxies = get_environ_proxies(api_url)
        self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self.token = ""

    def request(self, method, url, *, data=None, headers=None, files=None, **options):
        if isinstance(data, dict) and not files:
            data = form(data, apart=self.token)
            headers = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        return super().request(method, url, data=data, headers=headers, files=files, **options)


class Wire(HTTPAdapter):
    """Plain HTTP without retries, which notes how far the request came: what fails before its last byte has left this
    machine (DNS, connect, TLS, a cut during the upload) was certainly not taken.

    Under a key, a call that may have been taken is made again; `doubt` then says what the calls before the last came
    to.
    """

    def __init__(self, provider: Provider, closing: threading.Event):
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.provider, self.closing = provider, closing
        self.begin("")

    def begin(self, key: str) -> None:
        """Before each call. `key`: unique to it; "" where the provider knows none."""
        self.key, self.went_out, self.doubt = key, False, Doubt.NONE

    def send(self, request: requests.PreparedRequest, **options) -> requests.Response:
        if self.key and not self.provider.key_field:
            request.headers["Idempotency-Key"] = self.key
        latest = time.monotonic() + self._patience()
        for pause in (*(PAUSES if self.key else ()), None):
            try:
                response, error = self._send_once(request, **options), None
            except requests.RequestException as raised:
                response, error = None, raised
            if pause is None or not self._is_open(response):
                break
            pause = max(pause, retry_after(response.headers) or 0) if response is not None else pause
            if time.monotonic() + pause > latest or self.closing.wait(pause):
                break
        if error:
            raise error
        return response

    def _send_once(self, request: requests.PreparedRequest, **options) -> requests.Response:
        """The answer is read here, where one that breaks off, or is too slow or large, can still be asked for again."""
        response = super().send(request, **options)
        content = b""
        for part in response.iter_content(65_536):
            content += part
            if len(content) > provider_answer.MOST:  # now that it is unpacked
                response.close()
                raise requests.ConnectionError(provider_answer.too_large(), request=request)
        response._content = content
        return response

    def _is_open(self, response: requests.Response | None) -> bool:
        """Whether the letters may have been taken and nobody knows; noted in `doubt`."""
        if response is None:
            self.doubt = max(self.doubt, Doubt.SILENT if self.went_out else Doubt.NONE)
            return self.doubt > Doubt.NONE
        status, data = response.status_code, read_json(response)
        unread = status < 300 and response.content and data is None
        if status >= 500 or status == 408:
            self.doubt = Doubt.TROUBLED
        elif unread or error_name(data) == "concurrent_idempotent_requests":
            self.doubt = max(self.doubt, Doubt.SILENT)
        elif not (status == 429 and self.doubt):
            return False
        return True

    def _patience(self) -> float:
        """Seconds within which the last call under a key begins: while the rows are surely ours and the key lives."""
        return min(settings.SENDING_LEASE_SECONDS, self.provider.idempotency) / 2

    def get_connection_with_tls_context(self, *args, **kwargs):
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Noting):
            pool.ConnectionCls = type("NotingConnection", (_Noting, pool.ConnectionCls), {"wire": self})
        return pool


class _Noting:
    """A connection of http.client's kind that tells its wire how far a request came."""

    wire: Wire
    ready = False
    response_class = InTime

    def connect(self) -> None:
        self.ready = False
        super().connect()
        self.ready = True

    def send(self, data) -> None:
        if self.sock is None:
            self.connect()
        self.wire.went_out = self.ready  # and not still asking a proxy for a tunnel
        try:
            super().send(data)
        except OSError:
            self.wire.went_out = False  # the rest was not handed over: a request without its end (RFC 9112 §8)
            raise


def form(fields: dict[str, object], *, apart: str = "") -> str:
    """`fields` as application/x-www-form-urlencoded; lists become several fields.

    Python quotes byte by byte: 2 ms for the bodies of one mail. So what stands between the occurrences of `apart` is
    quoted once and remembered.
    """
    pairs = []
    for name, value in fields.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            pieces = str(one).split(apart) if apart else [str(one)]
            pairs.append(f"{quote_plus(name)}={quote_plus(apart).join(map(_quoted, pieces))}")
    return "&".join(pairs)


def _quoted(words: str) -> str:
    return _remembered(words) if len(words) > 200 else quote_plus(words)


_remembered = lru_cache(maxsize=64)(quote_plus)


class OneClient:
    """Boto's client for all lanes of a run. It may be used by many threads, and each would cost 10 MB and 100 ms."""

    def __init__(self) -> None:
        self._lock, self._client, self._lent = threading.Lock(), None, 0

    def lend(self, connection: BaseEmailBackend) -> None:
        """Open Anymail's backend, with the client that is already there."""
        with self._lock:
            connection.client = self._client
            connection.open()
            if self._client is None:
                _read_in_time(connection.client)
            self._client = connection.client
            self._lent += 1

    def take_back(self, connection: BaseEmailBackend) -> None:
        with self._lock:
            self._lent -= 1
            if self._lent:
                connection.client = None
            else:
                self._client = None
                connection.close()


def _read_in_time(client) -> None:
    """Boto has no option for it; its kinds of connections are those of urllib3, and each client may have its own."""
    pools = client._endpoint.http_session._pool_classes_by_scheme
    for scheme, pool in pools.items():
        connection = type("InTimeConnection", (pool.ConnectionCls,), {"response_class": InTime})
        pools[scheme] = type("InTimePool", (pool,), {"ConnectionCls": connection})


def connection_options(provider: Provider) -> dict[str, object]:
    """What Anymail's backend is opened with: patient enough, and no second try. Raises ImproperlyConfigured."""
    options: dict[str, object] = {"backend": settings.EMAIL_BACKEND}
    if provider.name != "amazon-ses":
        return options | {"timeout": _timeout(KEYED_READ_SECONDS if provider.idempotency else READ_SECONDS)}
    from botocore.config import Config  # heavy, and needed for Amazon only

    client = dict(_mapping("AMAZON_SES_CLIENT_PARAMS"))
    config = client.get("config") or {}
    calm = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    calm = calm.merge(config if isinstance(config, Config) else Config(**config))
    most = settings.SENDING_CONNECTIONS
    client["config"] = calm.merge(Config(retries={"total_max_attempts": 1}, max_pool_connections=most))
    return options | {"client_params": client, "session_params": dict(_mapping("AMAZON_SES_SESSION_PARAMS"))}


def _timeout(seconds_to_answer: float) -> object:
    """Anymail's REQUESTS_TIMEOUT: seconds, or "connect read"; from the environment it comes as text."""
    value = settings.ANYMAIL.get("REQUESTS_TIMEOUT", (CONNECT_SECONDS, seconds_to_answer))
    if not isinstance(value, str):
        return value
    try:
        seconds = tuple(float(word) for word in value.replace(",", " ").split())
    except ValueError:
        seconds = ()
    if len(seconds) not in {1, 2}:
        raise ImproperlyConfigured(f"ANYMAIL_REQUESTS_TIMEOUT must be one or two numbers of seconds, not {value!r}.")
    return seconds[0] if len(seconds) == 1 else seconds


def _mapping(name: str) -> dict:
    """A setting of Anymail's that is a dictionary; from the environment it comes as JSON."""
    value = settings.ANYMAIL.get(name, {})
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"ANYMAIL_{name} must be a JSON object.")
    return value
