"""Figures for people, for var/bench/latest.json and for docs/benchmarks.md."""

import datetime
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Measure, Result, Skipped

BEGIN, END = "<!-- figures of `make bench`: {} -->", "<!-- end of the figures: {} -->"
WORDS = {"aim": "aim reached", "floor": "floor reached", "missed": "missed", "": "for information"}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_result(measure: Measure, result: Result) -> None:
    say(f"  {_value(result.shown, measure.unit)}   {_asked(measure)}{WORDS[measure.verdict(result.value)]}")
    for note in result.notes:
        say(f"    {note}")


def row(measure: Measure, result: Result) -> dict:
    """What latest.json keeps of a row."""
    return {
        "name": measure.name,
        "title": measure.title,
        "unit": measure.unit,
        "floor": measure.floor,
        "aim": measure.aim,
        "value": result.value,
        "shown": result.shown,
        "verdict": measure.verdict(result.value),
        "notes": list(result.notes),
        "figures": result.figures,
    }


def skipped(measure: Measure, why: str) -> dict:
    return {"name": measure.name, "title": measure.title, "skipped": why}


def save(path: Path, rows: Sequence[dict], *, machine: dict[str, str], quick: bool, loads: Sequence[float]) -> dict:
    """`loads`: of the machine, as uptime says it, before and after."""
    run = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "quick": quick,
        "machine": machine,
        "loads": list(loads),
        "rows": list(rows),
    }
    path.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return run


def table(run: dict) -> str:
    """The rows of a run as a table in Markdown, with the machine above and the figures behind each row below."""
    machine = ", ".join(_part(name, value) for name, value in run["machine"].items() if value)
    lines = [
        f"{run['date']}: {machine}.",
        "",
        "| row | measure | figure | floor | aim | |",
        "|---|---|---|---|---|---|",
        *(_line(row) for row in run["rows"]),
        "",
        *(f"- `{row['name']}`: {'; '.join(row['notes'])}." for row in run["rows"] if row.get("notes")),
    ]
    return "\n".join(lines)


def write(document: Path, run: dict, tables: Mapping[str, Collection[str]]) -> list[str]:
    """Put each table of which all rows were measured between its two marks of a document; the others stay as they are.
    `tables`: names of rows by the name of their table. Returns the names of those that were written. Raises Skipped
    when the run, or the document, is not fit."""
    if run["quick"]:
        raise Skipped("The last run was a quick one: its figures are no figures to write down.")
    rows = {row["name"]: row for row in run["rows"]}
    whole = {name: mine for name, mine in tables.items() if rows.keys() >= set(mine)}
    if not whole:
        raise Skipped(f"Only whole tables are written down: {' or '.join(tables)}.")
    text = document.read_text(encoding="utf-8")
    for name, mine in whole.items():
        text = _with(text, name, run | {"rows": [rows[one] for one in mine]}, document.name)
    document.write_text(text, encoding="utf-8")
    return list(whole)


def _with(text: str, name: str, run: dict, where: str) -> str:
    first, last = BEGIN.format(name), END.format(name)
    before, begin, rest = text.partition(first)
    _old, end, after = rest.partition(last)
    if not begin or not end:
        raise Skipped(f"{where} has no place for the figures, between the lines {first} and {last}.")
    return f"{before}{first}\n{table(run)}\n{last}{after}"


def _line(row: dict) -> str:
    if "skipped" in row:
        return f"| `{row['name']}` | {row['title']} | skipped: {row['skipped']} | | | |"
    asked = ["" if row[name] is None else _value(f"{row[name]:,g}", row["unit"]) for name in ("floor", "aim")]
    shown = _value(row["shown"], row["unit"])
    return f"| `{row['name']}` | {row['title']} | {shown} | {' | '.join(asked)} | {WORDS[row['verdict']]} |"


def _value(shown: str, unit: str) -> str:
    return f"{shown}{unit}" if unit.startswith("/") else f"{shown} {unit}".rstrip()


def _asked(measure: Measure) -> str:
    if measure.floor is None or measure.aim is None:
        return ""
    return f"floor {measure.floor:,g}, aim {measure.aim:,g}: "


def _part(name: str, value: str) -> str:
    return {"processor": value, "cores": f"{value} cores", "memory": value, "system": value}.get(
        name, f"{name} {value}"
    )
