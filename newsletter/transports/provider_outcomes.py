"""What a provider's call came to: an answer, an exception or silence become one Outcome for each letter.

Providers say the same thing in different ways; each way is first translated into an HTTP status, and the statuses
into outcomes: "observed → becomes" of docs/sending.md.
"""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import IntEnum

import requests
from anymail.exceptions import AnymailInvalidAddress, AnymailUnsupportedFeature
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter.mime import Letter
from newsletter.transports import Outcome, Verdict
from newsletter.transports.provider_batch import Provider, form, is_addressable
from newsletter.transports.provider_words import MOST_CHARACTERS, beginning, scrubbed

LONGEST_WAIT = 24 * 3600  # seconds
_TAG = re.compile(r"<[^>]*>")
_QUOTA = re.compile(r"quota|credit|payment|billing|(?:daily|monthly|sending|plan) limit|not allowed to send", re.I)
_OURS = re.compile(
    r"\bfrom\b|\bsender|domain\b.{0,40}\bnot\b|not verified|signature|api[ _-]?key|\baccount\b|suspended|"
    r"unauthori|permission|stream|template",
    re.I,
)
_THEIRS = re.compile(r"['\"`]to['\"`]|\bto (?:parameter|address|field)|\bin to\b|recipient|personalizations", re.I)


class Doubt(IntEnum):
    """What the calls under one idempotency key came to before the last of them: the worst."""

    NONE = 0  # there was none, or it was certainly not taken
    SILENT = 1  # no answer, or none that could be read
    TROUBLED = 2  # the server said that something went wrong on its side


@dataclass(frozen=True)
class Call:
    """One call and what is known of it. `went_out`: whether all of it may have left; None where the client cannot
    say. `doubt`: of the same call before, where it was made again."""

    provider: Provider
    letters: Sequence[Letter]
    message: EmailMessage | None = None
    error: Exception | None = None
    went_out: bool | None = None
    doubt: Doubt = Doubt.NONE


@dataclass(frozen=True)
class Answer:
    """A provider's answer as plain data: `data` is the JSON in it, or None."""

    status: int
    headers: Mapping[str, str]
    data: object
    text: str

    @property
    def words(self) -> str:
        """What it says to people."""
        said = (
            "; ".join(dict.fromkeys(_strings(self.data)))
            if self.data is not None
            else _TAG.sub(" ", beginning(self.text))
        )
        return f"HTTP {self.status}: {said}" if said.strip() else f"HTTP {self.status}"


def outcomes(call: Call) -> tuple[list[Outcome], bool]:
    """What became of each letter of a call, in their order; and whether several letters were refused as a whole,
    so that none was taken and nobody knows for whose sake."""
    answer = _answer(call)
    if answer and (told := _one_by_one(call, answer)):
        return [scrubbed(outcome, [letter]) for letter, outcome in zip(call.letters, told, strict=True)], False
    whole = scrubbed(_under_key(call, answer, _whole(call, answer)), call.letters)
    refused = whole.verdict is Verdict.REFUSED or (whole.verdict, whole.why) == (Verdict.UNSENT, "too-large")
    return [whole] * len(call.letters), refused and len(call.letters) > 1


def no_call(error: Exception) -> Outcome:
    """The call could not even be prepared."""
    return scrubbed(_configuration(f"{type(error).__name__}: {error}"), [])


# --- one letter's own answer -----------------------------------------------------------------------------------------


def _one_by_one(call: Call, answer: Answer) -> list[Outcome] | None:
    """Outcomes where the answer speaks of each recipient; None where it speaks of the call."""
    reader = READERS.get(call.provider.name)
    if reader and (told := reader(answer)) and len(told) == len(call.letters):
        return told
    status = getattr(call.message, "anymail_status", None)
    if status is None or not status.recipients:
        return None
    alone = len(call.letters) == 1
    return [_by_status(letter, status.recipients, answer, alone=alone) for letter in call.letters]


def _by_status(letter: Letter, recipients: Mapping, answer: Answer, *, alone: bool) -> Outcome:
    """Anymail's word on one recipient, under whichever form of the address the provider used."""
    mine = [known for address, known in recipients.items() if alone or form(address) == form(letter.address)]
    told = {known.status: known for known in mine}
    for status, why in (("invalid", "hard-bounce"), ("rejected", "rejected"), ("failed", "refused")):
        if status in told:
            return Outcome(Verdict.REFUSED, why, answer.words)
    for status in ("sent", "queued"):
        if status in told:
            return _accepted(told[status].message_id)
    return Outcome(Verdict.UNKNOWN, "no-answer", answer.words)


def _accepted(message_id: object) -> Outcome:
    """Taken; the provider's own number helps to find the mail in its log."""
    return Outcome(Verdict.ACCEPTED, detail=str(message_id or "").strip("<>").partition("@")[0])


def _postmark(answer: Answer) -> list[Outcome] | None:
    """One result for each message, in their order; its ErrorCode tells more than Anymail passes on."""
    if answer.status not in {200, 422}:
        return None
    results = answer.data if isinstance(answer.data, list) else [answer.data]
    if not all(isinstance(result, dict) and "Message" in result for result in results):
        return None
    return [_postmark_result(result) for result in results]


def _postmark_result(result: dict) -> Outcome:
    code, said = result.get("ErrorCode", 0), str(result["Message"])
    words = f"{code}: {said}"
    if code == 406 or (code == 0 and "inactive addresses" in said):
        return Outcome(Verdict.REFUSED, "rejected", words)
    if code == 0:
        return _accepted(result["MessageID"]) if "MessageID" in result else _unknown("bad-answer", words)
    if code == 300:
        to_blame = re.match(r"(?:invalid|error parsing)\s+'to'", said, re.I)
        return Outcome(Verdict.REFUSED, "hard-bounce", words) if to_blame else _blamed(words)
    return _by_http(_POSTMARK.get(code, 404), words)


def _mailjet(answer: Answer) -> list[Outcome] | None:
    """One result for each message, in their order; its errors say which field they are about."""
    results = answer.data.get("Messages") if isinstance(answer.data, dict) else None
    if not results or not all(isinstance(result, dict) and "Status" in result for result in results):
        return None
    return [_mailjet_result(result) for result in results]


def _mailjet_result(result: dict) -> Outcome:
    if result["Status"] == "success":
        return _accepted(next((to.get("MessageID") for to in result.get("To", [])), ""))
    error = next(iter(result.get("Errors") or []), {})
    words = str(error.get("ErrorMessage", ""))
    if any(str(name).startswith("To") for name in error.get("ErrorRelatedTo", [])):
        return Outcome(Verdict.REFUSED, "hard-bounce", words)
    return _by_http(error.get("StatusCode", 400), f"{words} {' '.join(map(str, error.get('ErrorRelatedTo', [])))}")


READERS: dict[str, Callable[[Answer], list[Outcome] | None]] = {"postmark": _postmark, "mailjet": _mailjet}


# --- the call as a whole ---------------------------------------------------------------------------------------------


def _whole(call: Call, answer: Answer | None) -> Outcome:
    if answer:
        theirs = any(letter.address.casefold() in answer.text.casefold() for letter in call.letters)
        wait = retry_after(answer.headers)
        return _by_http(_status(call.provider, answer), answer.words, retry_after=wait, theirs=theirs)
    error = call.error
    if error is None:
        return _configuration(_("Anymail did not send it"))
    root = _root(error)
    if call.went_out is None:
        return _without_wire(error, root)
    if call.went_out:
        return _unknown("no-answer", f"{type(root).__name__}: {root}")
    unaddressable = isinstance(error, AnymailInvalidAddress | UnicodeError)
    if unaddressable and not all(is_addressable(letter) for letter in call.letters):
        return Outcome(Verdict.REFUSED, "hard-bounce", _("The address cannot be written into a mail."))
    if isinstance(error, AnymailUnsupportedFeature) and "EAI in to" in str(error):
        return Outcome(Verdict.REFUSED, "refused", str(error))
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return _no_connection(root)
    return _configuration(f"{type(root).__name__}: {root}")


def _under_key(call: Call, answer: Answer | None, whole: Outcome) -> Outcome:
    """The outcome of a call with an idempotency key: what the key says comes first, and whatever came before the last
    call stays in doubt unless its answer settles that."""
    if not call.provider.idempotency:
        return whole
    name = error_name(answer.data) if answer else ""
    if name in _KEY_USED:
        taken = name == "duplicate_parameter" and call.doubt is Doubt.SILENT
        return _accepted("") if taken else Outcome(Verdict.UNKNOWN, "no-answer", answer.words)
    if name == "concurrent_idempotent_requests":
        return _unknown("no-answer", answer.words)
    if name == "invalid_idempotency_key":
        return _configuration(answer.words)
    if call.doubt is Doubt.NONE or whole.verdict is Verdict.UNKNOWN:
        return whole
    if whole.verdict is Verdict.REFUSED and name in _NEVER_VALID:
        return whole
    return replace(whole, verdict=Verdict.UNKNOWN, why="no-answer")


def _without_wire(error: Exception, root: BaseException) -> Outcome:
    """Amazon's client has a connection of its own: its exceptions tell whether the request may have left."""
    names = {kind.__name__ for kind in type(root).__mro__}
    words = f"{type(root).__name__}: {root}"
    unconnected = names & {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}
    if unconnected or "CERTIFICATE_VERIFY_FAILED" in words:
        return _no_connection(root)
    if names & {"HTTPClientError", "ConnectionError", "AnymailAPIError", "ResponseParserError"}:
        return _unknown("no-answer", words)
    return _configuration(words)


def _by_http(status: int, words: str, *, retry_after: float | None = None, theirs: bool = False) -> Outcome:
    """An HTTP status as the outcome of all letters of the call. `theirs`: the words name a recipient's address."""
    match status:
        case 400 | 422:
            return _blamed(words, theirs=theirs)
        case 401 | 403:
            return _stop("credentials", _("The provider does not let us send (%(words)s)."), words)
        case 402:
            return _stop("quota", _("The provider's quota is used up (%(words)s)."), words)
        case 408:
            return _unknown("no-answer", words)
        case 413:
            return _stop("too-large", _("The mail is too large for the provider (%(words)s)."), words)
        case 420 | 429:
            if _QUOTA.search(words):
                return _by_http(402, words)
            return Outcome(Verdict.LATER, "rate-limit", words, retry_after=retry_after, backs_off=True)
        case 301 | 307 | 308:
            return _configuration(words)
        case _ if 400 < status < 500:
            return _configuration(words)
        case _ if 200 <= status < 400:
            return _unknown("bad-answer", words)
        case _:
            return replace(_unknown("server-error", words), retry_after=retry_after)


def _blamed(words: str, *, theirs: bool = False) -> Outcome:
    """A call that was not valid: refused, unless the words are plainly about us."""
    if not theirs and not _THEIRS.search(words):
        if _QUOTA.search(words):
            return _by_http(402, words)
        if _OURS.search(words):
            return _configuration(words)
    return Outcome(Verdict.REFUSED, "refused", words)


def _unknown(why: str, words: str) -> Outcome:
    """It may have been taken. The edition slows down, so that an outage makes few of these."""
    return Outcome(Verdict.UNKNOWN, why, words, backs_off=True)


def _no_connection(root: BaseException) -> Outcome:
    words = _("No connection to the provider: %(words)s") % {"words": root}
    # Not "connect": at that word the sender closes one connection and keeps its letters, whose intent it has not asked.
    return Outcome(Verdict.UNSENT, "unreachable", words, backs_off=True)


def _configuration(words: str) -> Outcome:
    return _stop("configuration", _("The provider cannot be used as it is set up (%(words)s)."), words)


def _stop(why: str, sentence: str, words: str) -> Outcome:
    return Outcome(Verdict.UNSENT, why, sentence % {"words": words}, stops=True)


# --- reading answers -------------------------------------------------------------------------------------------------

# Resend's and Brevo's names of errors. "Duplicate": Brevo takes a key once, and this one was taken by the call before.
_KEY_USED = {"duplicate_parameter", "invalid_idempotent_request"}
# The same bytes are never valid: so they were not taken the first time either.
_NEVER_VALID = {"validation_error", "invalid_parameter", "missing_required_field", "missing_parameter"}
_POSTMARK = {10: 401, 100: 429, 405: 402, 429: 429}  # ErrorCode; every other one is about the account or the call
_MANDRILL = {"Invalid_Key": 401, "PaymentRequired": 402, "Unknown_Subaccount": 403, "ValidationError": 400}
_POSTAL = {
    "InvalidServerAPIKey": 401, "AccessDenied": 401, "ServerSuspended": 403,
    "UnauthenticatedFromAddress": 403, "FromAddressMissing": 403,
}  # fmt: skip
_AMAZON = {
    "TooManyRequestsException": 429, "Throttling": 429, "ThrottlingException": 429, "LimitExceededException": 402,
    "AccountSuspendedException": 403, "SendingPausedException": 403, "MailFromDomainNotVerifiedException": 403,
    "MessageRejected": 403,
}  # fmt: skip


def _status(provider: Provider, answer: Answer) -> int:
    """The HTTP status that says what the provider means. Mandrill answers every failure with 500, Postal with 200,
    Amazon most with 400."""
    data = answer.data if isinstance(answer.data, dict) else {}
    if provider.name == "mandrill" and data.get("status") == "error":
        return _MANDRILL.get(str(data.get("name")), answer.status)
    if provider.name == "postal" and data.get("status") in {"error", "parameter-error"}:
        detail = data.get("data")
        code = detail.get("code", "") if isinstance(detail, dict) else ""
        return _POSTAL.get(code, 400) if data["status"] == "error" else 404
    if provider.name == "amazon-ses":
        return _AMAZON.get(str(data.get("Code")), answer.status)
    return answer.status


def _answer(call: Call) -> Answer | None:
    """The provider's answer, wherever Anymail has left it."""
    error = call.error
    kept = getattr(getattr(call.message, "anymail_status", None), "esp_response", None)
    candidates = [getattr(error, "response", None), getattr(error.__cause__, "response", None) if error else None, kept]
    for response in candidates:
        if isinstance(response, requests.Response):
            return Answer(
                response.status_code, response.headers, read_json(response), response.text[: MOST_CHARACTERS + 1]
            )
        if isinstance(response, dict):  # boto's
            meta = response.get("ResponseMetadata", {})
            status = meta.get("HTTPStatusCode", 200)
            return Answer(status, meta.get("HTTPHeaders", {}), response.get("Error", {}), "")
    return None


def error_name(data: object) -> str:
    """What Resend calls `name` and Brevo `code`."""
    return str(data.get("name") or data.get("code") or "") if isinstance(data, dict) else ""


def read_json(response: requests.Response) -> object:
    """The JSON of an answer; None when it is none."""
    try:
        return response.json()
    except ValueError:
        return None


def _strings(data: object) -> list[str]:
    if isinstance(data, str):
        return [data]
    if isinstance(data, Mapping):
        data = list(data.values())
    return [text for item in data for text in _strings(item)] if isinstance(data, list) else []


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds: RFC 9110 §10.2.3 allows a number or a date."""
    value = next((text.strip() for name, text in headers.items() if name.lower() == "retry-after"), "")
    if value.isascii() and value.isdigit():
        return float(min(int(value), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return min(max((moment - timezone.now()).total_seconds(), 0.0), float(LONGEST_WAIT))


def _root(error: BaseException) -> BaseException:
    """The first cause, in whose words people recognise what happened."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(iter(seen.args), None)
        cause = inner if isinstance(inner, BaseException) else seen.__cause__ or None
        if cause is None or cause is seen:
            return seen
        seen = cause
