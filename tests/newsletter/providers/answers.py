"""What reaches a provider, and the ways in which it may answer or fail to."""

import json
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), strict_parsing=True, keep_blank_values=True)

    @property
    def data(self) -> object:
        return json.loads(self.body)


@dataclass(frozen=True)
class Mail:
    """A mail as its reader would get it."""

    to: str
    sender: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    metadata: dict[str, str]
    tags: list[str]


@dataclass(frozen=True)
class Answer:
    """What the server says: JSON, or bytes as they are."""

    status: int = 200
    data: object = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()


class Cut(Answer):
    """The connection is cut while the request is still being uploaded."""


class Reset(Answer):
    """The request is read to its end, then the connection is cut."""


class Silence(Answer):
    """The request is read to its end, and nothing is said."""


class Short(Answer):
    """The answer breaks off before its end."""


class Drip(Answer):
    """The answer comes byte by byte, its head too, each before the client's patience for one is over."""


class DripOfBody(Drip):
    """The head comes at once."""


@dataclass(frozen=True)
class Taken:
    """The request is done properly, and then this happens instead of the proper answer."""

    then: Answer


@dataclass(frozen=True)
class Late:
    """The request is done properly, and answered so many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Gathered:
    """The request is done properly, and answered when so many are under way as the barrier wants."""

    barrier: threading.Barrier
