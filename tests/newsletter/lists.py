"""Lists of readers as files: a spreadsheet built by hand, so that a test can put anything into it."""

import uuid
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from newsletter import import_jobs
from newsletter.models import ImportJob

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def uploaded(content: str | bytes, *, by, name="list.csv") -> ImportJob:
    """A list that somebody has uploaded at the desk."""
    handle = uuid.uuid4()
    import_jobs.upload_of(handle).write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_jobs.receive(handle, name=name, by=by)


def cell(value: str, *, kind="inlineStr", at="") -> str:
    """A `<c>`: `cell("en")`, `cell("45292", kind="n")`, `cell("3", kind="s", at="B2")` for a shared text."""
    place = f' r="{at}"' if at else ""
    if kind == "inlineStr":
        return f'<c{place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c{place} t="{kind}"><v>{value}</v></c>'


def rows(*rows: list[str]) -> str:
    """`<row>`s whose cells are texts, or `<c>`s of one's own."""
    return "".join(f"<row>{''.join(one if one.startswith('<c') else cell(one) for one in row)}</row>" for row in rows)


def spreadsheet(path: Path, *sheets: str, states=(), shared: str = "", **parts: str | bytes) -> Path:
    """An XLSX file of these sheets, each the inside of its `<sheetData>`. `parts` replace whole parts by their name:
    `workbook`, `sheet1`, `sharedStrings` …"""
    numbers = range(1, len(sheets) + 1)
    states = [*states, *["visible"] * len(sheets)]
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" state="{states[n - 1]}" r:id="rId{n}"/>' for n in numbers)
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    written = {
        "[Content_Types].xml": HEAD + "<Types/>",
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"{HEAD}<Relationships>{relations}</Relationships>",
    }
    for n, inside in zip(numbers, sheets, strict=True):
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{inside}</sheetData></worksheet>'
        written[f"xl/worksheets/sheet{n}.xml"] = HEAD + sheet
    if shared:
        written["xl/sharedStrings.xml"] = f'{HEAD}<sst xmlns="{MAIN}">{shared}</sst>'
    for name, content in parts.items():
        folder = "xl/worksheets" if name.startswith("sheet") else "xl"
        written[f"{folder}/{name}.xml"] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in written.items():
            archive.writestr(name, content)
    return path
