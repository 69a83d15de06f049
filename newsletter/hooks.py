"""Where providers post what became of the mails: checked, kept, answered at once. A worker reads it later.

Nothing here depends on what a post says, so nothing in it can make this fail: Brevo drops an event for ever on most
answers of 4xx and 5xx.
"""

import logging
import threading

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from newsletter import posts
from newsletter.hook_views import VIEWS, is_genuine, is_guarded
from picum.doorbell import ring

log = logging.getLogger(__name__)

MOST_OCTETS = 10_000_000  # SparkPost and Mandrill send up to thousands of events in a post
BELL_SECONDS = 1.0
_bell = threading.Lock()  # held while a ring is on its way


@csrf_exempt
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """A post of the provider that EMAIL_URL names; any other is not found.

    GET and HEAD say that the address exists: Mandrill and Unisender Go ask when it is set up. 403 without a valid
    secret or signature, 413 beyond MOST_OCTETS, 503 (Brevo: 429) while there is no database; else 200, whatever it is.
    """
    if provider != settings.EMAIL_PROVIDER or provider not in VIEWS:
        raise Http404
    if request.method in {"GET", "HEAD"}:
        return HttpResponse()
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not is_guarded(provider):
        log.error("A post of %s was refused: there is no ANYMAIL_WEBHOOK_SECRET.", provider)
        return HttpResponse(status=403)
    if provider == "amazon-ses" and not request.headers.get("Authorization"):
        # Amazon SNS shows what stands in the address only when it is asked for.
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
    return _take(request, provider)


def _take(request: HttpRequest, provider: str) -> HttpResponse:
    body = request.read(MOST_OCTETS + 1)
    if len(body) > MOST_OCTETS:
        return HttpResponse(status=413)
    request._body = body  # Django's own limit is made for forms of people
    try:
        if not is_genuine(request, provider):
            log.warning("A post that claims to be of %s was refused: its secret or signature is not right.", provider)
            return HttpResponse(status=403)
        posts.store(
            provider,
            content_type=request.headers.get("Content-Type", ""),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            now=timezone.now(),
        )
    except ImproperlyConfigured as error:
        log.error("Posts of %s cannot be checked: %s", provider, str(error).partition("\n")[0])
        return _later(provider)
    except (DatabaseError, InterfaceError) as error:
        log.error("A post of %s could not be kept (%s).", provider, type(error).__name__)
        return _later(provider)
    _ring_soon()
    return HttpResponse()


def _later(provider: str) -> HttpResponse:
    """An answer after which the provider tries again. Brevo does so on 429 and on no other error."""
    return HttpResponse(status=429 if provider == "brevo" else 503, headers={"Retry-After": "60"})


def _ring_soon() -> None:
    """One ring for all posts of a second, after the last of them; and nobody waits for a broker that is away."""
    if _bell.acquire(blocking=False):
        timer = threading.Timer(BELL_SECONDS, _ring)
        timer.daemon = True
        timer.start()


def _ring() -> None:
    _bell.release()  # before ringing: who posts from now on starts a ring of their own
    ring("newsletter.track", expires=settings.SENDING_RECONCILE_SECONDS)
