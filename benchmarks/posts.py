"""What providers post about our letters, and its way through the application. Runs inside Django."""

import base64
import io
import json
from collections.abc import Iterable, Iterator

from django.core.wsgi import get_wsgi_application

from newsletter.mime import delivery_token
from newsletter.models import Delivery

MOMENT = 1_792_000_000  # seconds since 1970, one for all


def bodies(source: str, number: int, together: int) -> Iterator[bytes]:
    """Posts about the first deliveries: of a hundred letters 96 are delivered, 3 bounce softly, one reader leaves."""
    rows = Delivery.objects.order_by("pk").values_list("pk", "subscriber__address")[:number]
    said = [EVENTS[source](place, delivery_token(pk), address) for place, (pk, address) in enumerate(rows)]
    for start in range(0, len(said), together):
        group = said[start : start + together]
        yield json.dumps(group if together > 1 else group[0]).encode()


def _sendgrid(place: int, token: str, address: str) -> dict:
    event = {
        "email": address,
        "timestamp": MOMENT,
        "smtp-id": f"<{token}@picum.example>",
        "delivery": token,
        "event": "delivered",
        "sg_event_id": f"ZGVsaXZlcmVkLTAtMTIzNDU2Nzg5{place}",
        "sg_message_id": f"14c5d75ce93.dfd.64b469.{place}",
        "response": "250 2.0.0 OK",
    }
    if place % 100 < 3:
        return event | {"event": "bounce", "type": "bounce", "status": "4.2.2", "reason": "452 4.2.2 mailbox full"}
    return event | ({"event": "unsubscribe"} if place % 100 == 3 else {})


def _postmark(place: int, token: str, address: str) -> dict:
    return {
        "RecordType": "Delivery",
        "ServerID": 23,
        "MessageStream": "broadcast",
        "MessageID": f"00000000-0000-4000-8000-{place:012d}",
        "Recipient": address,
        "Tag": "",
        "DeliveredAt": "2026-10-14T12:00:00Z",
        "Details": "250 2.0.0 OK",
        "Metadata": {"delivery": token},
    }


EVENTS = {"sendgrid": _sendgrid, "postmark": _postmark}


def post(source: str, posted: Iterable[bytes], *, secret: str, host: str) -> int:
    """Hand each to the application as a web server would; how many. Raises RuntimeError unless it answers 200."""
    application, answered = get_wsgi_application(), []
    word = base64.b64encode(secret.encode()).decode()
    count = 0
    for count, body in enumerate(posted, 1):  # noqa: B007  # counted to the end
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": f"/hooks/{source}/", "SCRIPT_NAME": "", "QUERY_STRING": "",
            "SERVER_NAME": host, "SERVER_PORT": "443", "HTTP_HOST": host, "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Basic {word}", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "https", "wsgi.version": (1, 0), "wsgi.multithread": False,
            "wsgi.multiprocess": True, "wsgi.run_once": False,
        }  # fmt: skip
        answered.clear()
        response = application(environ, lambda status, headers: answered.append(status))
        response.close()
        if answered != ["200 OK"]:
            raise RuntimeError(f"A post was answered with {answered}.")
    return count
