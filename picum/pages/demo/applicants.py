"""Who wants to become a member of the demo's network: applications in every state, made and moved as people do."""

import datetime

from members import applications, applying, assemblies
from members.assemblies import Decided, Decision
from members.models import Application, Assembly, Category, CodeOfConduct, Kind, Referee
from picum.accounts.models import User
from picum.pages.demo.drawings import paper
from picum.pages.demo.organisations import latin, read
from picum.pages.demo.timeline import assembly_day, done_on, last_assembly, noon

BEFORE = 110  # days before an assembly, applications to it are sent
DECISIONS = {"admitted": Decision.ADMIT, "refused": Decision.REFUSE, "deferred": Decision.DEFER}


def meet(*, today: datetime.date) -> None:
    """Where assemblies have met, and the next one will: rows that staff type in. Those of the last one are decided
    later on."""
    latest, places = last_assembly(today).year, read("applications")["places"]
    for year in range(latest - len(places) + 1, latest + 2):
        day = assembly_day(year)
        closed_at = noon(day) + datetime.timedelta(hours=6) if year < latest else None
        Assembly.objects.get_or_create(date=day, defaults={"place": places[year % len(places)], "closed_at": closed_at})


def tell(code: CodeOfConduct, *, by: User, today: datetime.date) -> None:
    """First those about whom the last assembly decided, then those that are on their way to the next."""
    told = read("applications")["applicants"]
    met = last_assembly(today)
    decided = [one for one in told if one["fate"] in DECISIONS]
    rows = [_recommended(one, met - datetime.timedelta(days=BEFORE), code, by=by) for one in decided]
    with done_on(met) as moment:
        assembly = Assembly.objects.get(date=met)
        said = [
            Decided(row, DECISIONS[one["fate"]], words=one.get("words", ""))
            for one, row in zip(decided, rows, strict=True)
        ]
        assemblies.record(assembly, said, by=by, now=moment)
    for one in told:
        if one["fate"] not in DECISIONS:
            _go_on(one, today - datetime.timedelta(days=one["days"]), code, by=by)


def _go_on(one: dict, day: datetime.date, code: CodeOfConduct, *, by: User) -> None:
    if one["fate"] == "recommended":
        _recommended(one, day, code, by=by)
        return
    if one["fate"] == "draft":
        _begin(one, day)
        return
    row = _sent(one, day, code)
    with done_on(day + datetime.timedelta(days=3)) as moment:
        match one["fate"]:
            case "asked":
                applications.ask(row, one["words"], by=by, now=moment)
            case "complete":
                applications.ask(row, one["words"], by=by, now=moment)
                applications.answer(row, one["answer"], now=moment + datetime.timedelta(days=6))
                applications.complete(row, by=by, now=moment + datetime.timedelta(days=8))
                applications.note(row, "Seen at the conference in spring: serious people.", by=by, now=moment)
            case "declined":
                applications.decline(row, by=by, now=moment, words=one["words"])
            case "withdrawn":
                applications.withdraw(row, now=moment)


def _recommended(one: dict, day: datetime.date, code: CodeOfConduct, *, by: User) -> Application:
    row = _sent(one, day, code)
    with done_on(day + datetime.timedelta(days=20)) as moment:
        applications.complete(row, by=by, now=moment)
        # What the assembly says is told to the applicant; the board's own words are for those who go on.
        words = one.get("words", "") if one["fate"] == "recommended" else ""
        applications.recommend(row, by=by, now=moment + datetime.timedelta(days=10), words=words)
    return row


def _begin(one: dict, day: datetime.date) -> Application:
    """A draft with what it answered in the first steps."""
    kind = one.get("kind", Kind.ORGANISATION)
    category = Category.objects.filter(for_whom=kind, is_open=True).earliest("position")
    email = f"{latin(one['name'])}@example.net"
    with done_on(day) as moment:
        applying.start(email, category=category, language=one["language"], network="", now=moment)
        row = Application.objects.get(email=email)
        fields = ("name", "acronym", "country", "street", "city", "telephone", "type")
        answers = {field: one[field] for field in fields if field in one}
        more = {"email": f"info@{latin(one['name'])}.example.org", "registration_number": "", "postcode": ""}
        applying.save(row, answers | more, language=one["language"], now=moment)
    return row


def _sent(one: dict, day: datetime.date, code: CodeOfConduct) -> Application:
    """Filled in, signed and sent in one day; then the referees answer, or some of them."""
    row = _begin(one, day - datetime.timedelta(days=1))
    with done_on(day) as moment:
        applying.save(row, _answers(one), language=one["language"], now=moment)
        if row.kind == Kind.ORGANISATION:
            statutes = paper("statutes.pdf", one["name"], [one["description"]])
            applying.attach(row, "statutes", statutes, now=moment)
            applying.sign(row, code, by=one["contact"][0], now=moment)
        else:
            applying.sign(row, code, by=one["name"], now=moment)
        row = applying.send(row, now=moment)
    _let_speak(one, row, day)
    return row


def _answers(one: dict) -> dict[str, object]:
    host = f"{latin(one['name'])}.example.org"
    contact, position = one.get("contact", ["", ""])
    treasurer = one.get("treasurer", "")
    answers = {
        "website": f"https://{host}",
        "level": one.get("level", ""),
        "areas": one["areas"],
        "rights": one["rights"],
        "language": one["language"],
        "languages": one["languages"],
        "description": one.get("description", ""),
        "contact_name": contact,
        "contact_position": position,
        "contact_email": f"{latin(contact)}@{host}",
        "contact_telephone": "",
        "treasurer_is_contact": not treasurer,
        "treasurer_name": treasurer,
        "treasurer_email": f"{latin(treasurer)}@{host}" if treasurer else "",
        "why": one["why"],
        "in_directory": bool(one.get("shown")),
        "shown": one.get("shown", []),
        "open_data": False,
        "newsletter": False,
        "newsletter_wording": "",
        "privacy": True,
    }
    for number, (name, organisation, language, _words) in enumerate(one["referees"], 1):
        told = {"name": name, "organisation": organisation, "email": f"{latin(name)}@example.com", "language": language}
        answers |= {f"referee{number}_{field}": value for field, value in told.items()}
    return answers


def _let_speak(one: dict, row: Application, day: datetime.date) -> None:
    """Those who have something to say say it; of the declined one, not in its favour."""
    said = {name: words for name, _organisation, _language, words in one["referees"]}
    with done_on(day + datetime.timedelta(days=2)) as moment:
        for referee in Referee.objects.filter(application=row):
            if words := said[referee.name]:
                applying.speak(referee, supports=one["fate"] not in {"declined", "refused"}, words=words, now=moment)
