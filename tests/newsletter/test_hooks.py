"""Providers post here: whose posts are kept, whose are refused, and what nobody can bring about."""

import json
import threading

import pytest
from django.db import OperationalError, connection

from newsletter import hooks, posts
from newsletter.hook_views import view_for
from newsletter.models import RawEvent
from picum import env
from tests.newsletter.provider_posts import (
    BASIC,
    KEY,
    PROVIDERS,
    SECRET,
    Post,
    Said,
    post,
    settings_for,
    sns,
    svix,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
    pytest.mark.filterwarnings("ignore:Your Anymail webhooks are insecure"),
]
SAID = Said("delivered", "17-" + "a" * 20, "amal@example.org")


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """The rings that went out; at once, and not to a broker."""
    heard = []
    monkeypatch.setattr(hooks, "ring", lambda task, **more: heard.append(task))
    monkeypatch.setattr(hooks, "BELL_SECONDS", 0)
    return heard


@pytest.fixture
def choose(settings):
    def choose(provider, **given):
        settings.NEWSLETTER_TRANSPORT, settings.EMAIL_PROVIDER = "provider", provider
        settings.ANYMAIL = given or settings_for(provider)

    return choose


def send(client, provider, given: Post, **changed):
    """POST it, with some headers changed, or taken away by None."""
    headers = {name: value for name, value in (given.headers | changed).items() if value is not None}
    return client.post(f"/hooks/{provider}/", given.body, content_type=given.content_type, headers=headers)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_genuine_post_is_kept_once_and_answered(provider, client, choose):
    choose(provider)
    given = post(provider, SAID)
    assert [send(client, provider, given).status_code for _time in range(2)] == [200, 200]
    kept = RawEvent.objects.get()
    assert (kept.source, bytes(kept.body), kept.size) == (provider, given.body, len(given.body))
    assert kept.processed_at is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_post_without_the_shared_secret_or_with_a_wrong_one_is_refused(provider, client, choose):
    choose(provider)
    given = post(provider, SAID)
    wrong = "Basic aG9va3M6Z3Vlc3NlZA=="
    assert send(client, provider, given, Authorization=None).status_code in {401, 403}
    assert send(client, provider, given, Authorization=wrong).status_code == 403
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("provider", sorted(env.SIGNING_KEYS))
def test_a_post_that_somebody_changed_is_refused_though_the_secret_is_right(provider, client, choose):
    choose(provider)
    given = post(provider, SAID)
    if provider == "mailgun":  # signs a random word, not the body
        changed = Post(json.dumps(json.loads(given.body) | {"signature": {}}).encode(), headers=given.headers)
    else:
        changed = Post(given.body.replace(b"amal", b"boris"), given.content_type, given.headers)
    assert send(client, provider, changed).status_code == 403
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("more", [{}, {"MAILGUN_WEBHOOK_SIGNING_KEY": "k"}])
def test_a_signature_that_cannot_even_be_compared_is_none_though_the_secret_is_right(more, client, choose):
    choose("mailgun", WEBHOOK_SECRET=SECRET, MAILGUN_API_KEY="k", **more)
    body = {"signature": {"token": "é", "timestamp": "1", "signature": "wrong"}, "event-data": {"event": "complained"}}
    assert send(client, "mailgun", Post(json.dumps(body).encode(), headers=BASIC)).status_code == 403
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("provider", sorted(env.SIGNING_KEYS))
def test_a_signature_alone_is_enough(provider, client, choose):
    given = settings_for(provider)
    del given["WEBHOOK_SECRET"]
    choose(provider, **given)
    assert send(client, provider, post(provider, SAID), Authorization=None).status_code == 200
    assert RawEvent.objects.count() == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_any_secret_everything_is_refused(provider, client, choose):
    choose(provider, IRRELEVANT="x")
    assert send(client, provider, post(provider, SAID)).status_code == 403
    assert not RawEvent.objects.exists()


def test_while_developing_a_post_needs_no_secret(client, choose, settings):
    choose("brevo", IRRELEVANT="x")
    settings.DEBUG = True
    assert send(client, "brevo", post("brevo", SAID), Authorization=None).status_code == 200


def test_only_the_provider_in_use_has_an_address(client, choose, settings):
    choose("brevo")
    assert send(client, "postmark", post("postmark", SAID)).status_code == 404
    assert client.post("/hooks/nobody/", b"{}", content_type="application/json").status_code == 404
    choose("scaleway", WEBHOOK_SECRET=SECRET)
    assert client.post("/hooks/scaleway/", b"{}", content_type="application/json", headers=BASIC).status_code == 404
    settings.EMAIL_PROVIDER = ""
    assert send(client, "brevo", post("brevo", SAID)).status_code == 404


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_provider_may_look_whether_the_address_exists(method, client, choose, rung):
    choose("mandrill")
    assert getattr(client, method)("/hooks/mandrill/").status_code == 200
    assert (RawEvent.objects.count(), rung) == (0, [])


def test_other_methods_are_not_known(client, choose):
    choose("brevo")
    assert client.put("/hooks/brevo/", b"{}").status_code == 405


def test_an_address_without_its_slash_is_not_redirected(client, choose):
    choose("brevo")
    given = post("brevo", SAID)
    answer = client.post("/hooks/brevo", given.body, content_type=given.content_type, headers=given.headers)
    assert (answer.status_code, RawEvent.objects.count()) == (200, 1)


def test_amazon_is_asked_for_the_secret_in_its_address(client, choose):
    choose("amazon-ses")
    answer = send(client, "amazon-ses", post("amazon-ses", SAID), Authorization=None)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="webhook"')


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[[[", b'{"event": 7}', b"null", b"[]", b'"x"'])
@pytest.mark.parametrize("provider", ["amazon-ses", "brevo", "mailjet", "postmark", "sparkpost"])
def test_a_body_nobody_can_read_is_kept_too_when_it_comes_with_the_secret(provider, body, client, choose):
    choose(provider)
    assert send(client, provider, Post(body, headers=BASIC)).status_code == 200
    assert bytes(RawEvent.objects.get().body) == body


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[[[", b"null", b"[]", b'"x"'])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_body_brings_the_receiver_down(provider, body, client, choose):
    choose(provider)
    answer = send(client, provider, Post(body, headers={"Svix-Timestamp": "never", "Signature": "é"}))
    assert answer.status_code in {401, 403}


def test_a_post_that_is_too_large_is_refused(client, choose, monkeypatch):
    choose("brevo")
    monkeypatch.setattr(hooks, "MOST_OCTETS", 100)
    assert send(client, "brevo", Post(b"x" * 100, headers=BASIC)).status_code == 200
    assert send(client, "brevo", Post(b"x" * 101, headers=BASIC)).status_code == 413


def test_more_than_a_form_of_a_person_may_have_is_taken(client, choose, settings):
    choose("mandrill")
    given = post("mandrill", *[Said("delivered", SAID.token, SAID.address, str(n)) for n in range(200)])
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert send(client, "mandrill", given).status_code == 200
    assert posts.read_waiting() == {"posts": 1, "foreign": 200}


@pytest.mark.parametrize(("provider", "status"), [("brevo", 429), ("postmark", 503)])
def test_without_a_database_the_provider_is_asked_to_come_again(provider, status, client, choose, rung):
    choose(provider)

    def away(*statement):
        raise OperationalError("the database is away")

    with connection.execute_wrapper(away):
        answer = send(client, provider, post(provider, SAID))
    assert (answer.status_code, answer["Retry-After"], rung) == (status, "60", [])


def test_a_key_without_which_nothing_can_be_checked_is_said_in_the_log(client, choose, caplog):
    choose("mandrill", WEBHOOK_SECRET=SECRET)
    answer = send(client, "mandrill", post("mandrill", SAID))
    assert answer.status_code == 503
    assert "MANDRILL_WEBHOOK_KEY" in caplog.text
    assert not RawEvent.objects.exists()


def test_a_copy_of_an_old_post_of_resend_is_refused(client, choose):
    choose("resend")
    body = post("resend", SAID).body
    old = svix(body, number="msg_1", moment=1_700_000_000)
    assert send(client, "resend", Post(body, headers=BASIC | old)).status_code == 403


def test_two_posts_of_resend_that_differ_by_their_number_alone_are_two(client, choose):
    choose("resend")
    for number in ("1", "2"):
        assert send(client, "resend", post("resend", Said("delivered", SAID.token, SAID.address, number))).status_code
    assert RawEvent.objects.count() == 2


def test_the_log_names_nobody(client, choose, caplog):
    choose("brevo")
    send(client, "brevo", post("brevo", SAID))
    send(client, "brevo", post("brevo", SAID), Authorization="Basic eDp5")
    assert "amal" not in caplog.text


def test_many_posts_ring_once_and_after_the_last(client, choose, monkeypatch):
    choose("brevo")
    heard, may_ring = [], threading.Event()
    rang = threading.Event()

    class Timer:
        daemon = False

        def __init__(self, seconds, ring):
            self.thread = threading.Thread(target=lambda: (may_ring.wait(10), ring(), rang.set()), daemon=True)

        def start(self):
            self.thread.start()

    monkeypatch.setattr(hooks.threading, "Timer", Timer)
    monkeypatch.setattr(hooks, "ring", lambda task, **more: heard.append(task))
    for number in range(5):
        send(client, "brevo", Post(b"%d" % number, headers=BASIC))
    assert heard == []
    may_ring.set()
    assert rang.wait(10)
    assert len(heard) == 1
    rang.clear()
    send(client, "brevo", Post(b"once more", headers=BASIC))
    assert rang.wait(10)
    assert len(heard) == 2


@pytest.fixture
def amazon(monkeypatch):
    """What Amazon is told, and whether a transaction was open meanwhile; or what it raises."""
    told, raised = [], []

    class Client:
        def confirm_subscription(self, **given):
            if raised:
                raise raised[0]
            told.append((given["TopicArn"], given["Token"], connection.in_atomic_block))

        def close(self):
            pass

    monkeypatch.setattr("boto3.session.Session.client", lambda session, name, **more: Client())
    return told, raised


ASKED = sns("", number="9", kind="SubscriptionConfirmation")
TOPIC = "arn:aws:sns:eu-west-1:1234:newsletter"


@pytest.mark.django_db(transaction=True)
def test_amazon_s_question_for_our_topic_is_answered_by_a_worker_without_any_lock(choose, client, amazon):
    choose("amazon-ses", WEBHOOK_SECRET=SECRET, AMAZON_SES_TOPIC=TOPIC)
    assert send(client, "amazon-ses", ASKED).status_code == 200
    assert amazon[0] == []  # the answer does not wait for Amazon
    assert posts.read_waiting() == {"posts": 1}
    assert amazon[0] == [(TOPIC, "token-of-sns", False)]
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("topic", [None, "", "arn:aws:sns:eu-west-1:9999:newsletter"])
def test_a_question_for_a_topic_that_no_setting_names_is_not_answered_and_shown(topic, choose, client, amazon):
    choose("amazon-ses", WEBHOOK_SECRET=SECRET, **({} if topic is None else {"AMAZON_SES_TOPIC": topic}))
    send(client, "amazon-ses", ASKED)
    assert posts.read_waiting() == {"posts": 1, "unreadable": 1}
    assert (amazon[0], RawEvent.objects.unreadable().get().error) == ([], "UnexpectedTopic")


def test_an_answer_that_does_not_arrive_leaves_the_question_with_its_reason(choose, client, amazon, caplog):
    choose("amazon-ses", WEBHOOK_SECRET=SECRET, AMAZON_SES_TOPIC=TOPIC)
    amazon[1].append(TimeoutError("https://sns… token-of-sns"))
    send(client, "amazon-ses", ASKED)
    assert posts.read_waiting() == {"posts": 1}
    assert RawEvent.objects.unreadable().get().error == "TimeoutError"
    assert "token-of-sns" not in caplog.text
    assert posts.read_waiting() == {}


def test_nobody_waits_long_for_amazon(settings):
    settings.ANYMAIL = settings_for("amazon-ses") | {"AMAZON_SES_CLIENT_PARAMS": {"region_name": "eu-west-1"}}
    client = view_for("amazon-ses").get_boto_client("sns", region_name="eu-central-1")
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout, client.meta.region_name) == (5, 10, "eu-central-1")


def test_the_keys_have_anymails_names():
    assert set(env.SIGNING_KEYS) < set(PROVIDERS) == set(env.PROVIDERS) - env.WITHOUT_WEBHOOKS
    assert KEY in json.dumps(settings_for("mailgun"))


def test_keeping_a_post_takes_one_statement(client, choose, django_assert_num_queries):
    choose("brevo")
    with django_assert_num_queries(1):
        send(client, "brevo", post("brevo", SAID))
