"""Nobody inside is ever asked, however an address leads there; and nobody outside can keep us."""

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import outside
from newsletter.outside import Finding, Note, look
from tests.newsletter.internet import PUBLIC, Internet

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "0.0.0.0",  # noqa: S104  # nobody listens there
    "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:1::1", "::127.0.0.1", "2001:db8::1", "fec0::1",
    "nonsense",
]  # fmt: skip


@pytest.fixture
def net(monkeypatch, settings):
    settings.SITE_URL = "https://newsletter.picum.example"
    with Internet(monkeypatch) as there:
        yield there


# --- what is public -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_anybodys_on_the_internet_is_not_public(address):
    assert outside.is_public(address) is False


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_what_is_anybodys_is_public(address):
    assert outside.is_public(address) is True


@given(st.ip_addresses(v=4))
def test_an_address_in_another_dress_is_what_it_is(address):
    plain = outside.is_public(str(address))
    number = int(address)
    mapped, nat64 = f"::ffff:{address}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}"
    sixtofour = f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"
    assert [outside.is_public(dressed) for dressed in (mapped, nat64, sixtofour)] == [plain] * 3


# --- nobody inside is asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [one for one in PRIVATE if one != "nonsense"])
def test_a_name_that_leads_inside_is_not_followed(net, address):
    assert look(net.site("inside.org", at=[address])) == Finding("private", note=Note.NOT_PUBLIC)
    assert (net.connected, net.asked) == ([], [])


def test_one_private_address_among_public_ones_is_enough(net):
    assert look(net.site("mixed.org", at=[PUBLIC, "10.0.0.1"])) == Finding("private", note=Note.NOT_PUBLIC)
    assert net.connected == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://[::1]/",
     "http://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/", "http://0/"],
)  # fmt: skip
def test_numbers_that_lead_inside_are_not_followed_however_they_are_written(net, url):
    assert look(url) == Finding("private", note=Note.NOT_PUBLIC)
    assert net.connected == []


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("http://fine.org:8080/", Note.PORT),
        ("http://fine.org:443/", Note.PORT),
        ("https://fine.org:22/", Note.PORT),
        ("http://user:secret@fine.org/", Note.PASSWORD),
        ("http://127.0.0.1@fine.org/", Note.PASSWORD),
        ("http://@fine.org/", Note.PASSWORD),
        ("http://newsletter.picum.example:80/", Note.OUR_OWN),
        ("https://NEWSLETTER.picum.example./en/", Note.OUR_OWN),
    ],
)
def test_what_no_reader_should_open_is_not_opened(net, url, note):
    net.site("fine.org")
    assert look(url) == Finding("private", note=note)
    assert net.connected == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_leads_inside_is_not_followed(net, status):
    url = net.site("open.org", status=status, headers={"Location": "http://127.0.0.1/admin"})
    assert look(url) == Finding("private", note=Note.NOT_PUBLIC)
    assert net.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    ("location", "note"),
    [("http://fine.org:6379/", Note.PORT), ("http://a:b@fine.org/", Note.PASSWORD),
     ("file:///etc/passwd", Note.NOT_WEB), ("gopher://fine.org/", Note.NOT_WEB), ("//10.0.0.1/", Note.NOT_PUBLIC)],
)  # fmt: skip
def test_each_hop_is_looked_at_like_the_first(net, location, note):
    net.site("fine.org")
    assert look(net.site("open.org", status=302, headers={"Location": location})).note == note
    assert net.connected == [(PUBLIC, 80)]


def test_a_name_server_that_changes_its_mind_leads_nowhere_else(net):
    """DNS rebinding: public when it is looked at, private when it is connected to."""
    net.site("rebinding.org")
    net.names["rebinding.org"] = [[PUBLIC], ["127.0.0.1"]]
    assert look("http://rebinding.org/") == Finding("ok", 200)
    assert net.connected == [(PUBLIC, 80)]
    assert look("http://rebinding.org/") == Finding("private", note=Note.NOT_PUBLIC)
    assert net.connected == [(PUBLIC, 80)]


# --- what comes of asking -------------------------------------------------------------------------------------------


def test_a_page_that_is_there_is_asked_once_and_told_who_asks(net):
    assert look(net.site("fine.org", "/a/b?c=d%20e")) == Finding("ok", 200)
    assert net.asked == [("HEAD", "fine.org", "/a/b?c=d%20e")]
    assert net.agents == {"PICUM-newsletter-links/1 (+https://newsletter.picum.example)"}


@pytest.mark.parametrize(
    ("status", "state"),
    [(204, "ok"), (304, "ok"), (404, "broken"), (410, "broken"), (401, "refused"), (403, "refused"), (429, "refused"),
     (500, "refused"), (503, "refused"), (999, "refused")],
)  # fmt: skip
def test_an_answer_is_broken_only_when_the_page_is_surely_gone(net, status, state):
    assert look(net.site("site.org", status=status)) == Finding(state, status)


@pytest.mark.parametrize("head", [403, 404, 405, 500, 501])
def test_a_site_that_does_not_answer_to_head_is_asked_again_by_get(net, head):
    assert look(net.site("site.org", head=head)) == Finding("ok", 200)
    assert [method for method, _host, _path in net.asked] == ["HEAD", "GET"]


def test_redirects_are_followed_to_another_host_and_within_one(net):
    net.site("new.org", "/x", status=301, headers={"Location": "y?z"})
    net.site("new.org", "/y?z")
    assert look(net.site("old.org", status=301, headers={"Location": "http://new.org/x"})) == Finding("ok", 200)
    assert [(host, path) for _method, host, path in net.asked] == [
        ("old.org", "/"),
        ("new.org", "/x"),
        ("new.org", "/y?z"),
    ]


def test_redirects_without_an_end_are_broken_after_five(net):
    assert look(net.site("round.org", status=302, headers={"Location": "/"})) == Finding("broken", 302, Note.REDIRECTS)
    assert len(net.asked) == 6


def test_letters_of_all_languages_are_written_as_the_web_wants_them(net):
    net.site("xn--bcher-kva.org", "/stra%C3%9Fe?q=%C3%BC")
    assert look("http://bücher.org/straße?q=ü") == Finding("ok", 200)


@pytest.mark.parametrize(
    ("url", "finding"),
    [
        ("http://nowhere.org/", Finding("broken", note=Note.NO_HOST)),
        ("http://news.example/", Finding("broken", note=Note.NO_HOST)),
        ("http:///path", Finding("broken", note=Note.NO_HOST)),
        ("http://a b.org/", Finding("broken", note=Note.NO_HOST)),
        ("http://ev\r\nil.org/\r\nX: y", Finding("broken", note=Note.NO_HOST)),
        ("http://fine.org:port/", Finding("broken", note=Note.NO_HOST)),
        ("http://[::1/", Finding("broken", note=Note.NO_HOST)),
        (f"http://{'ä' * 70}.org/", Finding("broken", note=Note.NO_HOST)),
        ("mailto:amal@example.org", Finding("refused", note=Note.NOT_WEB)),
        ("http://tired.org/", Finding("refused", note=Note.NO_NAMES)),
        ("http://away.org/", Finding("refused", note=Note.NO_ANSWER)),
    ],
)
def test_what_is_no_address_or_leads_nowhere_is_told_apart(net, monkeypatch, url, finding):
    net.site("fine.org")
    net.names |= {"tired.org": [["again"]], "away.org": [["203.0.114.9"]]}
    if "away" in url:
        monkeypatch.setattr(socket, "create_connection", _refuses)
    assert look(url) == finding


def _refuses(*args, **kwargs):
    raise ConnectionRefusedError


def test_a_header_cannot_be_smuggled_into_the_question(net):
    net.site("fine.org", "/aX:y")
    assert look("http://fine.org/a\r\nX:y") == Finding("ok", 200)
    assert net.asked == [("HEAD", "fine.org", "/aX:y")]


# --- nobody outside can keep us -------------------------------------------------------------------------------------


def test_a_body_without_an_end_is_not_read(net):
    sent = []

    def endless(handler):
        handler.send_response(200 if handler.command == "GET" else 405)
        handler.send_header("Content-Length", str(10 * 1024**3))
        handler.end_headers()
        try:
            while handler.command == "GET" and len(sent) < 10_000:
                handler.wfile.write(b"x" * 65536)
                sent.append(1)
        except OSError:
            pass

    assert look(net.site("large.org", serve=endless)) == Finding("ok", 200)
    time.sleep(0.2)
    assert len(sent) < 200  # what the buffers of two sockets hold


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_site_that_drips_is_left_in_time(net, monkeypatch, drip):
    monkeypatch.setattr(outside, "SECONDS", 0.5)

    def dripping(handler):
        try:
            for _time in range(40):
                handler.wfile.write(drip)
                time.sleep(0.05)
        except OSError:
            pass

    began = time.monotonic()
    finding = look(net.site("slow.org", serve=dripping))
    assert finding.state == "refused"
    assert finding.note in {Note.TOO_SLOW, Note.NOT_HTTP}
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"\0\0\0\0\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000])
def test_what_is_not_http_is_not_understood(net, said):
    def serve(handler):
        handler.wfile.write(said)
        handler.close_connection = True

    assert look(net.site("strange.org", serve=serve)) == Finding("refused", note=Note.NOT_HTTP)


@pytest.fixture
def certificate(tmp_path) -> Path:
    """For fine.org, with its key, signed by itself."""
    path = tmp_path / "both.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=fine.org"
    names = ["-addext", "subjectAltName=DNS:fine.org", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*made.split(), *names], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_is_checked_against_the_name(monkeypatch, certificate):
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    with Internet(monkeypatch, tls=theirs) as net:
        net.site("fine.org")
        net.site("other.org")
        assert look("https://fine.org/") == Finding("refused", note=Note.CERTIFICATE)  # nobody we know signed it
        outside._tls().load_verify_locations(certificate)
        assert look("https://fine.org/") == Finding("ok", 200)
        assert look("https://other.org/") == Finding("refused", note=Note.CERTIFICATE)
        assert {port for _address, port in net.connected} == {443}
    outside._tls.cache_clear()
