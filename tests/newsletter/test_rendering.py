"""What a reader sees: the composition of an edition, and its mail as html and text."""

import datetime
import re
import shutil
from html.parser import HTMLParser

import pytest

from newsletter.models import Section
from newsletter.rendering import SIZE_AIM, compose, render_mail
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_texts

pytestmark = pytest.mark.django_db
MARKER = "0123456789abcdef0123456789abcdef"
SITE = "https://network.example"
VOID = {"br", "meta"}


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


class Page(HTMLParser):
    """The parts of an html mail that the tests ask about."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.headings, self.links, self.passages = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag not in VOID:
            self.open.append((tag, attrs))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((tag, ""))
        if tag == "a" and "href" in attrs:
            self.links.append((attrs["href"], ""))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, "tags are nested properly"

    def handle_data(self, data):
        inside = [tag for tag, _attrs in self.open]
        if self.headings and self.headings[-1][0] in inside:
            level, words = self.headings[-1]
            self.headings[-1] = level, " ".join(f"{words} {data}".split())
        if "a" in inside and "href" in dict(self.open)["a"]:
            href, words = self.links[-1]
            self.links[-1] = href, words + data
        if data.strip() and "style" not in inside:
            language = next(attrs["lang"] for _tag, attrs in reversed(self.open) if "lang" in attrs)
            self.passages.append((language, data.strip()))


def mail(issue, language="en", languages=(), token=MARKER):
    return render_mail(compose(contents(issue), language, languages), token=token)


def entries(issue, language="en", languages=()):
    return compose(contents(issue), language, languages).entries


def test_sections_are_numbered_as_shown_and_empty_ones_left_out():
    issue = make_issue(languages=["en"])
    make_item(issue, "health-care", en="Surgery")
    make_item(issue, "borders", en="River", countries=["PL"], kind="report")
    make_item(issue, "health-care", en="Clinic", bodies=["who"])
    words = mail(issue)
    assert Page(words.html).headings == [
        ("h1", "PICUM Newsletter – October 2026"),
        ("h2", "Message from the editor"),
        ("h2", "In this issue"),
        ("h2", "1. Borders"),
        ("h3", "POLAND / REPORT / River"),
        ("h2", "2. Health Care"),
        ("h3", "Surgery"),
        ("h3", "WHO / Clinic"),
    ]
    index = [(href, name) for href, name in Page(words.html).links if href.startswith("#")]
    assert index == [("#s1", "Borders"), ("#s2", "Health Care")]
    assert {"s1", "s2"} <= {attrs.get("id") for _tag, attrs in Page(words.html).tags}
    assert "\n1. Borders (1)\n2. Health Care (2)\n" in words.text
    assert "\n1. Borders\n==========\n\nPOLAND / REPORT / River\n" in words.text
    assert "\n2. Health Care\n==============\n\nSurgery\n" in words.text


def test_a_heading_that_is_not_translated_is_shown_in_another_language_and_says_so():
    Section.objects.get(key="borders").translations.filter(language_code="pt").delete()
    issue = make_issue()
    make_item(issue, "borders", pt="Rio")
    block = compose(contents(issue), "pt").blocks[0]
    assert (block.heading, block.heading_language) == ("Borders", "en")
    assert ("en", "Borders") in Page(mail(issue, "pt").html).passages


def test_an_untranslated_item_comes_in_the_readers_next_language_marked_and_with_its_own_lang():
    issue = make_issue()
    make_item(issue, pt=("Ponte", "<p>Sobre o rio.</p>"), es=("Puente", "<p>Sobre el <em>río</em>.</p>"))
    make_item(issue, pt="Sempre", en=("Always there", "<p>In English.</p>"))
    amal = mail(issue, "en", ["en", "es", "pt"])
    passages = Page(amal.html).passages
    assert [passage for passage in passages if passage[0] == "es"] == [
        ("es", "Puente"),
        ("es", "Sobre el"),
        ("es", "río"),
        ("es", "."),
    ]
    assert ("en", "Not yet translated – in Spanish") in passages
    assert ("en", "Always there") in passages
    assert re.search(r"\nPuente\n\[Not yet translated – in Spanish\]\n<.*>\n\nSobre el río\.\n", amal.text)
    assert amal.text.count("Not yet translated") == 1
    assert [entry.title for entry in entries(issue, "en", ["en", "pt"])] == ["Ponte", "Always there"]


def test_an_issue_may_leave_out_what_is_not_translated():
    issue = make_issue(fallback="omit")
    make_item(issue, "borders", en="Bridge")
    make_item(issue, "health-care", en="Clinic", pt="Clínica")
    blocks = compose(contents(issue), "pt", ["pt", "en"]).blocks
    assert [(block.number, [entry.title for entry in block.entries]) for block in blocks] == [(1, ["Clínica"])]
    words = mail(issue, "pt", ["pt", "en"])
    assert "Bridge" not in words.html + words.text


def test_sources_say_what_is_known_in_the_readers_language():
    day = datetime.date(2026, 9, 14)
    sources = [
        {
            "outlet": "Il Faro",
            "title": "Porto aperto",
            "date": day,
            "page": "4",
            "url": f"{SITE}/faro",
            "language": "it",
        },
        {"outlet": "The Messenger", "date": day, "precision": "month", "language": "en"},
        {"title": "Report", "date": day, "precision": "year"},
        {"url": "https://www.example.org/a/b"},
        {"outlet": "صدى", "title": "اسم", "date": day, "language": "ar"},
    ]
    issue = make_issue()
    make_item(issue, en="Harbour", sources=sources)
    words = mail(issue)
    shown = " ".join(words.html[words.html.index('class="sources"') :].split())
    assert re.sub(r' style="[^"]*"', "", shown).startswith(
        f'class="sources"> Sources: <a href="{SITE}/faro" lang="it">Il Faro, ‘Porto aperto’</a>, '
        "14 September 2026, p. 4 (in Italian) <br> "
        "The Messenger, September 2026 <br> "
        "‘Report’, 2026 <br> "
        '<a href="https://www.example.org/a/b">www.example.org</a> <br> '
        '<span lang="ar" dir="rtl">صدى, ‘اسم’</span>, 14 September 2026 (in Arabic) </p>'
    )
    assert words.text[words.text.index("Sources:") :].startswith(
        "Sources:\n"
        "- Il Faro, ‘Porto aperto’, 14 September 2026, p. 4 (in Italian)\n"
        f"  <{SITE}/faro>\n"
        "- The Messenger, September 2026\n"
        "- ‘Report’, 2026\n"
        "- www.example.org\n"
        "  <https://www.example.org/a/b>\n"
        "- \u2067صدى, ‘اسم’\u2069, 14 September 2026 (in Arabic)\n\n"
    )


def test_every_link_is_absolute_and_leads_to_the_site_or_to_what_the_editors_wrote():
    issue = make_issue()
    make_texts(issue, "de", donation='<p><a href="https://bank.example/give">Spenden</a></p>')
    text = (
        '<p><a href="https://paper.example/a">Bericht</a> <a href="mailto:a@paper.example">a</a> <a href="/x">x</a></p>'
    )
    item = make_item(issue, de=("Titel", text), sources=[{"outlet": "Bote", "url": "https://bote.example/1"}])
    words = mail(issue, "de")
    own = f"{SITE}/de/newsletter"
    web, leave, preferences = f"{own}/next/", f"{own}/leave/{MARKER}/", f"{own}/preferences/{MARKER}/"
    expected = [
        web, preferences, leave, "#s1", f"{own}/items/{item.pk}/", "https://paper.example/a", "mailto:a@paper.example",
        "https://bote.example/1", "https://bank.example/give", web, web, preferences, leave,
    ]  # fmt: skip
    assert [href for href, _words in Page(words.html).links] == expected
    assert re.findall(r"<(\S+)>", words.text) == [
        web, f"{own}/items/{item.pk}/", "https://paper.example/a", "a@paper.example", "https://bote.example/1",
        "https://bank.example/give", web, preferences, leave,
    ]  # fmt: skip


def test_nothing_is_fetched_from_anywhere_when_the_mail_is_opened():
    issue = make_issue(items=2)
    html = mail(issue).html
    assert re.findall(r"\bsrc=|url\(|@import|<link|<img|<script|<iframe|background=", html) == []


@pytest.mark.parametrize("token", [MARKER, "LT0-PdfSRR_K2eYzSKTFeg.dZtDJtXSsRE3xSURH0xMvxN5rwHTHBsPShhhWjw-RV0"])
def test_the_token_stands_verbatim_in_each_personal_link_and_nowhere_else(token):
    issue = make_issue(items=30)
    words = mail(issue, "fr", token=token)
    assert words.subject.count(token) == 0
    assert (words.html.count(token), words.text.count(token)) == (4, 2)
    assert words.html.count(f'href="{SITE}/fr/newsletter/leave/{token}/"') == 2
    assert words.html.count(f'href="{SITE}/fr/newsletter/preferences/{token}/"') == 2
    assert f"<{SITE}/fr/newsletter/leave/{token}/>" in words.text


EVIL = (
    "<p onclick=\"steal()\">{{ 7|add:7 }} {% now 'Y' %} {{ token }} %(token)s</p><script>steal()</script>"
    '<a href="javascript:steal()">x</a><a href="http://[">y</a><img src="https://spy.example/p.gif" onerror="steal()">'
    '<style>h1{display:none}</style><p style="color:red" lang="xx">z</p><!-- <b> --></td></table>'
)


def test_what_a_hostile_editor_writes_stays_harmless_words():
    issue = make_issue(languages=[])
    make_texts(
        issue, "en", subject=f"Hello\r\nBcc: a@b.example {EVIL}"[:150], masthead=EVIL, message=EVIL, donation=EVIL
    )
    make_item(
        issue,
        en=(EVIL[:200], EVIL),
        sources=[
            {"outlet": EVIL[:150], "title": EVIL[:250], "url": "javascript:steal()", "page": '"><b>', "language": '">'}
        ],
    )
    words = mail(issue)
    page = Page(words.html)
    harmless = Page(mail(make_issue("plain", items=1, languages=["en"])).html)
    assert {tag for tag, _attrs in page.tags} == {tag for tag, _attrs in harmless.tags}
    names = {name for _tag, attrs in page.tags for name in attrs}
    assert names <= {name for _tag, attrs in harmless.tags for name in attrs}
    assert [href for href, _words in page.links if not href.startswith((f"{SITE}/", "#"))] == []
    assert not {"\r", "\n"} & set(words.subject)
    assert (words.html.count(MARKER), words.text.count(MARKER)) == (4, 2)
    for part in (words.html, words.text):
        for typed in ("{{ 7|add:7 }}", "{% now", "{{ token }}", "%(token)s"):
            assert part.count(typed) >= 4


def test_the_text_part_is_not_html():
    issue = make_issue()
    make_texts(issue, "en", masthead="Bread & roses <for all>")
    make_item(issue, en=("Smith & sons’ “report” <1>", "<p>1 &lt; 2 &amp; 3 &gt; 2</p>"), sources=[{"outlet": "A & B"}])
    words = mail(issue)
    for line in ("Bread & roses <for all>", "Smith & sons’ “report” <1>", "1 < 2 & 3 > 2", "- A & B"):
        assert f"\n{line}\n" in words.text
    assert "Bread &amp; roses &lt;for all&gt;" in words.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_is_whole_in_each_language(language):
    issue = make_issue(items=3)
    words = mail(issue, language)
    page = Page(words.html)
    assert [level for level, _words in page.headings].count("h1") == 1
    assert [attrs["lang"] for _tag, attrs in page.tags if "lang" in attrs] == [language, language]
    assert [attrs["dir"] for _tag, attrs in page.tags if "dir" in attrs] == ["ltr", "ltr"]
    assert {attrs.get("role") for tag, attrs in page.tags if tag == "table"} == {"presentation"}
    assert page.open == []
    assert words.html.index('<meta charset="utf-8">') < 1024
    for part in (words.html, words.text):
        for number in (1, 2, 3):
            assert f"Item {number} ({language})" in part
            assert f"Text of Item {number} ({language})." in part
        assert f"Masthead ({language})" in part
        assert f"Message ({language})" in part
        assert f"{SITE}/{language}/newsletter/next/" in part


def test_an_edition_without_texts_around_its_items_has_no_empty_boxes():
    issue = make_issue(languages=[], finalised_on=None)
    make_item(issue, en="Alone")
    words = mail(issue)
    assert Page(words.html).headings == [
        ("h1", "PICUM Newsletter – October 2026"),
        ("h2", "In this issue"),
        ("h2", "1. Health Care"),
        ("h3", "Alone"),
    ]
    assert "Finalised" not in words.html + words.text
    assert words.text.startswith(
        "PICUM Newsletter – October 2026\n===============================\n\nView on the web:\n"
    )


def test_the_subject_is_the_editors_or_names_the_issue():
    issue = make_issue()
    assert mail(issue).subject == "PICUM Newsletter – October 2026"
    make_texts(issue, "de", subject="Ein Gutschein,\r\n zwei\tÄrztinnen\u2028")
    assert mail(issue, "de").subject == "Ein Gutschein, zwei Ärztinnen"


LONG = {
    "de": (
        "Neuer Leitfaden erklärt den Weg zur ärztlichen Behandlung",
        "<p>Die Beratungsstelle Offenes Tor in Nordkirch hat im September einen Leitfaden für Menschen ohne Papiere "
        "veröffentlicht, die eine Behandlung brauchen. Er erklärt auf zwölf Seiten, welche Praxen anonyme "
        "Behandlungsscheine annehmen, welche Unterlagen dafür nötig sind und wer die Kosten übernimmt. Grundlage sind "
        "Gespräche mit 46 Patient*innen und 19 Ärzt*innen, die zwischen Januar und Juni geführt wurden. „Niemand "
        "soll aus Angst vor einer Meldung auf eine Behandlung verzichten müssen“, sagt Mareike Tönnies vom Verein. "
        'Der <a href="https://example.org/offenes-tor/leitfaden-behandlung">Leitfaden</a> liegt in acht Sprachen vor '
        "und wird jedes Quartal überarbeitet. Die Beratungsstelle bittet Organisationen in anderen Bundesländern, ihn "
        "für die <strong>eigene Region</strong> anzupassen und ihre Erfahrungen bis Ende November mitzuteilen.</p>",
    ),
    "pt": (
        "Novo guia explica o caminho até à consulta médica",
        "<p>O gabinete de apoio Porta Aberta, em Vila Serena, publicou em setembro um guia para pessoas em situação "
        "irregular que precisam de cuidados médicos. Em doze páginas, explica que centros de saúde fazem a inscrição, "
        "que documentos são necessários e quem suporta os custos. O trabalho baseia-se em conversas com 46 utentes e "
        "19 profissionais de saúde, realizadas entre janeiro e junho. «Ninguém deve renunciar a um tratamento por medo "
        "de ser denunciado», afirma a assistente social Leonor Quintães. O "
        '<a href="https://example.org/porta-aberta/guia-de-cuidados">guia</a> está disponível em oito línguas e será '
        "revisto todos os trimestres. O gabinete convida as organizações de outras regiões a adaptá-lo à "
        "<strong>sua realidade</strong> e a comunicar as suas experiências até ao fim de novembro.</p>",
    ),
}


@pytest.mark.parametrize("language", ["de", "pt"])
def test_thirty_items_of_a_hundred_words_stay_under_60_kb(language):
    title, text = LONG[language]
    assert len(re.sub("<.*?>", "", text).split()) >= 100
    issue = make_issue(languages=[])
    make_texts(issue, language, masthead=title, message=text, donation=text)
    day = datetime.date(2026, 9, 14)
    sources = [
        {"outlet": "Falkenroder Anzeiger", "title": title, "date": day, "page": "11", "language": "fr",
         "url": "https://example.org/falkenroder-anzeiger/2026/09/leitfaden"},
        {"outlet": "Institut für Gesundheit und Teilhabe", "title": title, "date": day, "language": "it"},
    ]  # fmt: skip
    sections = ["borders", "united-nations", "national-developments", "health-care", "labour", "detention"]
    for key in [key for key in sections for _number in range(5)]:
        make_item(issue, key, countries=["DE", "IT"], kind="report", sources=sources, **{language: (title, text)})
    words = mail(issue, language)
    assert words.size == len(words.html.encode())
    assert words.size <= SIZE_AIM
    assert words.longest_line <= 900


def test_long_lines_are_folded_between_words_and_not_within_addresses():
    address = "https://example.org/" + "x" * 480
    spaced = "https://example.org/a b c " + "d e " * 100
    words = "<strong>Wört</strong> und <em>Satz</em>, " * 400
    issue = make_issue(languages=[])
    item = make_item(issue, en=("Long", f'<p>{words}<a href="{address}">A</a> {words}<a href="{spaced}">B</a></p>'))
    made = mail(issue)
    assert made.longest_line <= 900
    assert max(len(line) for line in made.text.split("\n") if "https://" not in line) <= 72
    hrefs = [href for href, _words in Page(made.html).links]
    assert address in hrefs
    assert spaced in hrefs
    shown = " ".join(re.sub("<[^>]*>", "", made.html).split())
    assert " ".join(re.sub("<[^>]*>", "", item.translations.get().text).split()) in shown


def test_control_characters_reach_neither_part():
    issue = make_issue(languages=[])
    make_item(issue, en=("Bell\x07", "<p>Form\x0cfeed\u2028and\x1b escape</p>"))
    words = mail(issue)
    assert "\nBell\n" in words.text
    assert re.findall(r"[\x00-\x08\x0b-\x1f\u2028]", words.html + words.text) == []


def test_a_word_without_end_shows_in_the_longest_line():
    issue = make_issue(languages=[])
    make_item(issue, en=("Endless", f"<p>{'x' * 2000}</p>"))
    assert mail(issue).longest_line > 2000


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_is_accessible_and_fits_a_phone(scheme, tmp_path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    issue = make_issue(languages=[])
    title, text = LONG["de"]
    make_texts(issue, "de", masthead=title, message=text, donation=text)
    sources = [{"outlet": "Bote", "title": title, "url": f"{SITE}/bote", "language": "it"}]
    make_item(issue, kind="report", countries=["DE"], sources=sources, de=LONG["de"])
    make_item(issue, sources=sources, pt=LONG["pt"])
    file = tmp_path / "mail.html"
    file.write_text(mail(issue, "de").html, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
        page.goto(file.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        # A mail is no page: its reader's program has the landmarks.
        rules = {name: {"enabled": False} for name in ("landmark-one-main", "region")}
        faults = Axe().run(page, options={"rules": rules}).response["violations"]
        browser.close()
    assert (width, faults) == (320, [])
