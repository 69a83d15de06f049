"""A provider on the loopback: real sockets, real HTTP. Mailgun's and Postmark's wire formats are checked strictly
(a field they do not know is refused); the others get the answer their clients expect.

What a real provider would do with a batch is done here too: Mailgun's recipient variables are filled in, so that a
test sees the mails as readers would get them.
"""

import base64
import contextlib
import json
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.newsletter.providers.answers import (
    Answer,
    Cut,
    Drip,
    DripOfBody,
    Gathered,
    Late,
    Mail,
    Request,
    Reset,
    Short,
    Silence,
    Taken,
)
from tests.newsletter.providers.keyed import brevo, resend

KEY = "key-of-the-tests"


class FakeProvider(ThreadingHTTPServer):
    """`provider.url` for the API_URL setting. `script` holds answers to give instead of the proper one, in turn;
    `requests` is all that came in, over `connections`; `mails` what was taken, `keys` under which idempotency key."""

    daemon_threads = True

    def __init__(self, name: str):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.requests: list[Request] = []
        self.connections: set[tuple[str, int]] = set()
        self.mails: list[Mail] = []
        self.keys: dict[str, tuple[bytes, Answer]] = {}
        self.script: list[Answer | Taken | Late | Gathered] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "FakeProvider":
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *args) -> None:
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        told = self.script.pop(0) if self.script else Late(0)
        if isinstance(told, Answer):
            return told
        proper = CHECKS[self.name](self, request)
        if isinstance(told, Taken):
            return told.then
        if isinstance(told, Gathered):
            told.barrier.wait(20)
        else:
            self.over.wait(told.seconds)
        return proper


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer takes 40 ms
    server: FakeProvider

    def do_POST(self) -> None:
        self.server.connections.add(self.client_address)
        if self.server.script and isinstance(self.server.script[0], Cut):
            self._cut_upload()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer(Request(self.command, self.path, dict(self.headers.items()), body))
        if isinstance(answer, Reset):
            self._reset()
        elif isinstance(answer, Silence):
            self.server.over.wait(20)
            self.close_connection = True
        elif isinstance(answer, Drip):
            self._drip(answer)
        else:
            self._say(answer)

    def _cut_upload(self) -> None:
        self.server.script.pop(0)
        head = self.rfile.read(1000)
        self.server.requests.append(Request(self.command, self.path, dict(self.headers.items()), head))
        self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _drip(self, answer: Drip) -> None:
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(answer.body)}\r\n\r\n".encode()
        at_once = head if isinstance(answer, DripOfBody) else b""
        with contextlib.suppress(ConnectionError):
            self.wfile.write(at_once)
            for byte in (head + answer.body)[len(at_once) :]:
                self.server.over.wait(0.1)
                self.wfile.write(bytes([byte]))

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Type": "application/json"} | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        short = isinstance(answer, Short)
        # Whoever has hung up meanwhile does not get it.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(answer.body[: len(answer.body) // 2] if short else answer.body)
            self.wfile.flush()
        self.close_connection = self.close_connection or short

    def finish(self) -> None:
        if self.connection.fileno() != -1:
            with contextlib.suppress(ConnectionError):
                super().finish()

    def log_message(self, *args) -> None:
        pass


# --- Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages ----------------------

HEADERS = {
    "Content-Language", "List-Id", "List-Post", "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence",
    "X-Auto-Response-Suppress", "Feedback-Id", "Message-Id", "Reply-To",
}  # fmt: skip
_ADDRESS = re.compile(r"[^\s@<>]+@[A-Za-z0-9.-]+")
_VARIABLE = re.compile(r"%recipient\.([^%\s]+)%")


def _refused(status: int, message: str) -> Answer:
    return Answer(status, {"message": message})


def mailgun(server: FakeProvider, request: Request) -> Answer:
    if request.headers.get("Authorization") != "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode():
        return _refused(401, "Invalid private key")
    if not (path := re.fullmatch(r"/v3/([a-z0-9.-]+)/messages", request.path)):
        return Answer(404, b"404 page not found", {"Content-Type": "text/plain"})
    if request.headers["Content-Type"] != "application/x-www-form-urlencoded":
        return _refused(400, "neither a form nor multipart")
    form = request.form
    for name, values in form.items():
        known = name in {"from", "to", "subject", "text", "html", "o:tag", "recipient-variables"}
        known = known or (name[:2] == "h:" and name[2:] in HEADERS) or re.fullmatch(r"v:\w+", name)
        if not known:
            return _refused(400, f"{name} is not a parameter")
        if len(values) > 1 and name not in {"to", "o:tag"}:
            return _refused(400, f"{name} is given twice")
    for name in ("from", "to", "subject"):
        if name not in form:
            return _refused(400, f"{name} parameter is missing")
    if len(form["to"]) > 1000:
        return _refused(400, "Too many recipients; max is 1000")
    if sum(len(name) + len(values[0]) for name, values in form.items() if name[1:2] == ":") > 16_000:
        return _refused(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total")
    if not all(_ADDRESS.fullmatch(address) for address in form["to"]):
        return _refused(400, "to parameter is not a valid address. please check documentation")
    variables = json.loads(form.get("recipient-variables", ["{}"])[0])
    if len(form["to"]) > 1 and set(variables) != set(form["to"]):
        return _refused(400, "without variables for each, every recipient would see all the others")
    mails = [_mailgun_mail(form, address, variables.get(address)) for address in form["to"]]
    if any("%recipient" in json.dumps(mail.__dict__) for mail in mails):
        return _refused(400, "a recipient variable has no value")
    server.mails += mails
    return Answer(200, {"id": f"<20261028.{len(server.requests)}@{path[1]}>", "message": "Queued. Thank you."})


def _mailgun_mail(form: dict, address: str, variables: dict | None) -> Mail:
    """Filled in as Mailgun does: only when there are variables at all, and everywhere."""

    def filled(words: str) -> str:
        if variables is None:
            return words
        return _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), words)

    return Mail(
        to=address,
        sender=form["from"][0],
        subject=filled(form["subject"][0]),
        text=filled(form["text"][0]),
        html=filled(form["html"][0]),
        headers={name[2:]: filled(values[0]) for name, values in form.items() if name[:2] == "h:"},
        metadata={name[2:]: filled(values[0]) for name, values in form.items() if name[:2] == "v:"},
        tags=form.get("o:tag", []),
    )


# --- Postmark: https://postmarkapp.com/developer/api/email-api --------------------------------------------------------

_POSTMARK_FIELDS = {
    "From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo", "Headers", "TrackOpens",
    "TrackLinks", "Metadata", "Attachments", "MessageStream",
}  # fmt: skip


def _postmark_error(code: int, message: str) -> dict:
    return {"ErrorCode": code, "Message": message}


def postmark(server: FakeProvider, request: Request) -> Answer:
    if request.headers.get("X-Postmark-Server-Token") != KEY:
        return Answer(401, _postmark_error(10, "The Server Token you provided is missing or incorrect."))
    if request.headers["Content-Type"] != "application/json" or request.headers["Accept"] != "application/json":
        return Answer(422, _postmark_error(409, "This API only accepts JSON."))
    if request.path == "/email" and isinstance(request.data, dict):
        result = _postmark_result(server, request.data)
        return Answer(422 if result["ErrorCode"] else 200, result)
    if request.path == "/email/batch" and isinstance(request.data, list):
        if len(request.data) > 500:
            return Answer(422, _postmark_error(410, "You have exceeded the maximum number of messages."))
        return Answer(200, [_postmark_result(server, message) for message in request.data])
    return Answer(404, b"")


def _postmark_result(server: FakeProvider, message: dict) -> dict:
    if unknown := message.keys() - _POSTMARK_FIELDS:
        return _postmark_error(403, f"Invalid JSON: {sorted(unknown)}")
    if not _ADDRESS.fullmatch(message["To"]):
        return _postmark_error(300, f"Invalid 'To' address: '{message['To']}'.")
    if message["To"].startswith("inactive"):
        return _postmark_error(
            406, "You tried to send to a recipient that has been marked as inactive.\nFound inactive addresses: "
            f"{message['To']}.\nInactive recipients are ones that have generated a hard bounce or a spam complaint.",
        )  # fmt: skip
    headers = message.get("Headers", [])
    if not all(header.keys() == {"Name", "Value"} and isinstance(header["Value"], str) for header in headers):
        return _postmark_error(300, "Invalid 'Headers'.")
    metadata = message.get("Metadata", {})
    if not all(len(name) <= 20 and isinstance(value, str) and len(value) <= 80 for name, value in metadata.items()):
        return _postmark_error(300, "Invalid metadata content.")
    mail = Mail(
        to=message["To"],
        sender=message["From"],
        subject=message["Subject"],
        text=message["TextBody"],
        html=message["HtmlBody"],
        headers={header["Name"]: header["Value"] for header in headers}
        | ({"Reply-To": message["ReplyTo"]} if "ReplyTo" in message else {}),
        metadata=metadata,
        tags=[message["Tag"]] if "Tag" in message else [],
    )
    server.mails.append(mail)
    return {
        "ErrorCode": 0, "Message": "OK", "MessageID": f"b7bc2f4a-{len(server.mails)}", "To": mail.to,
        "SubmittedAt": "2026-10-28T12:00:00Z",
    }  # fmt: skip


# --- the others: taken as it is, answered as their clients expect -----------------------------------------------------


def _mailjet(server: FakeProvider, request: Request) -> Answer:
    results = [
        {"Status": "success", "To": [{"Email": to["Email"], "MessageID": 1} for to in message["To"]]}
        for message in request.data["Messages"]
    ]
    return Answer(200, {"Messages": results})


def _mailtrap(server: FakeProvider, request: Request) -> Answer:
    if "requests" in request.data:
        one = {"success": True, "message_ids": ["1"]}
        return Answer(200, {"success": True, "responses": [one for _request in request.data["requests"]]})
    return Answer(200, {"success": True, "message_ids": ["1"]})


def _mandrill(server: FakeProvider, request: Request) -> Answer:
    to = request.data["message"]["to"]
    return Answer(200, [{"email": one["email"], "status": "sent", "_id": "1", "reject_reason": None} for one in to])


def _postal(server: FakeProvider, request: Request) -> Answer:
    messages = {address: {"id": 1, "token": "x"} for address in request.data["to"]}
    return Answer(200, {"status": "success", "data": {"message_id": "1@x", "messages": messages}})


def _scaleway(server: FakeProvider, request: Request) -> Answer:
    emails = [{"mail_rcpt": to["email"], "id": "1", "status": "sending"} for to in request.data["to"]]
    return Answer(200, {"emails": emails})


def _sparkpost(server: FakeProvider, request: Request) -> Answer:
    count = len(request.data["recipients"])
    results = {"total_accepted_recipients": count, "total_rejected_recipients": 0, "id": "1"}
    return Answer(200, {"results": results})


def _unisender(server: FakeProvider, request: Request) -> Answer:
    emails = [one["email"] for one in request.data["message"]["recipients"]]
    return Answer(200, {"status": "success", "job_id": "1", "emails": emails})


CHECKS = {
    "mailgun": mailgun,
    "postmark": postmark,
    "amazon-ses": lambda server, request: Answer(200, {"MessageId": "1"}),
    "brevo": brevo,
    "mailersend": lambda server, request: Answer(202, b"", {"Content-Type": "text/html", "X-Message-Id": "1"}),
    "mailjet": _mailjet,
    "mailtrap": _mailtrap,
    "mandrill": _mandrill,
    "postal": _postal,
    "resend": resend,
    "scaleway": _scaleway,
    "sendgrid": lambda server, request: Answer(202, b"", {"Content-Type": "text/plain"}),
    "sparkpost": _sparkpost,
    "unisender-go": _unisender,
}
