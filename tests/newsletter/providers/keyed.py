"""Resend and Brevo, who take a call with an idempotency key once: as their manuals say.

https://resend.com/docs/dashboard/emails/idempotency-keys: the same key with the same body gets the first answer again,
with another body a 409. https://developers.brevo.com/docs/heterogenous-versions-batch-emails: a key that is used is
an error, `duplicate_parameter`.
"""

import uuid

from tests.newsletter.providers.answers import Answer, Mail, Request


def resend(server, request: Request) -> Answer:
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 256:
        return Answer(400, {"statusCode": 400, "name": "invalid_idempotency_key", "message": "1 to 256 characters"})
    if key in server.keys:
        body, answer = server.keys[key]
        if body == request.body:
            return answer
        said = "Same idempotency key used with a different request payload"
        return Answer(409, {"statusCode": 409, "name": "invalid_idempotent_request", "message": said})
    if request.path == "/emails/batch":
        server.mails += [_resend_mail(one) for one in request.data]
        answer = Answer(200, {"data": [{"id": str(number)} for number, _one in enumerate(request.data, 1)]})
    else:
        server.mails.append(_resend_mail(request.data))
        answer = Answer(200, {"id": str(len(server.mails))})
    server.keys[key] = request.body, answer
    return answer


def _resend_mail(data: dict) -> Mail:
    [to] = data["to"]
    return Mail(to, data["from"], data["subject"], data["text"], data["html"], data["headers"], {}, [])


def brevo(server, request: Request) -> Answer:
    data = request.data
    key = data.get("headers", {}).pop("idempotencyKey", "")
    try:
        uuid.UUID(key)
    except ValueError:
        return Answer(400, {"code": "invalid_parameter", "message": "idempotencyKey should be a valid UUID"})
    if key in server.keys:
        return Answer(400, {"code": "duplicate_parameter", "message": "idempotencyKey is already used"})
    versions = data.get("messageVersions")
    for version in versions or [data]:
        server.mails.append(_brevo_mail(data, version))
    done = {"messageIds": [f"<{n}@brevo>" for n, _v in enumerate(versions)]} if versions else {"messageId": "<1@brevo>"}
    server.keys[key] = request.body, Answer(201, done)
    return Answer(201, done)


def _brevo_mail(data: dict, version: dict) -> Mail:
    [to] = version["to"]
    headers = version.get("headers") or data.get("headers", {})
    sender = f"{data['sender'].get('name', '')} <{data['sender']['email']}>"
    return Mail(to["email"], sender, data["subject"], data["textContent"], data["htmlContent"], headers, {}, [])
