"""The glossary of a fresh database, as it stands in newsletter/glossary.toml."""

import tomllib
from pathlib import Path

from newsletter.models import Term

FILE = Path(__file__).parent.parent / "glossary.toml"
Kind = Term.Kind
KINDS = {"preferred": Kind.PREFERRED, "allowed": Kind.ALLOWED, "avoid": Kind.AVOID, "exact": Kind.AVOID}


def terms() -> list[Term]:
    """The terms of the file, not stored."""
    concepts = tomllib.loads(FILE.read_text(encoding="utf-8"))["concepts"]
    return [
        _term(concept["key"], language, name, words, said)
        for concept in concepts
        for language, said in concept.items()
        if isinstance(said, dict)
        for name in KINDS
        for words in said.get(name, ())
    ]


def _term(concept: str, language: str, name: str, words: str, said: dict[str, str]) -> Term:
    kind = KINDS[name]
    about = {"why": said.get("why", ""), "instead": said.get("instead", "")} if kind == Kind.AVOID else {}
    return Term(concept=concept, language=language, words=words, kind=kind, exact=name == "exact", **about)


def seed(*, using: str) -> None:
    """Into an empty glossary alone: what editors took out stays out."""
    if not Term.objects.using(using).exists():
        Term.objects.using(using).bulk_create(terms())
