"""How the words of a search entry are compared with those of a question.

PostgreSQL asks an inverted index (a column of its own, migration 0017) and reads only what is a phrase. Elsewhere all
words of the language are read: at 8,400 items some 40 ms, where the index takes 1 to 15.
"""

from dataclasses import dataclass

from django.db.models import Lookup
from django.db.models.expressions import Col

from newsletter.models import SearchEntry

LONGEST = 100  # letters of a word that count: the index has no room for what an editor's cat types
# Stems as they are, whole words behind a sign that no word has.
COLUMN, WHOLE = "lexemes", "="


@dataclass(frozen=True)
class Term:
    """A word or a phrase, as it is compared: its stems, and the whole words if it may be typed half."""

    stems: str
    half: str = ""
    without: bool = False


class Says(Lookup):
    """`words__says=term`, of a search entry: in these words, or begun so in its plain ones."""

    lookup_name = "says"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        return _either(self._read(compiler, name, words) for name, words in self._asked())

    def as_postgresql(self, compiler, connection):
        return _either(self._looked_up(compiler, name, words) for name, words in self._asked())

    def _asked(self):
        """Columns, and what must stand in one of them."""
        return [("words", self.rhs.stems), *([("plain", self.rhs.half)] if self.rhs.half else [])]

    def _read(self, compiler, name, words):
        column = Col(self.lhs.alias, self.lhs.target.model._meta.get_field(name))
        return compiler.compile(column.get_lookup("contains")(column, words))

    def _looked_up(self, compiler, name, words):
        # Words are letters and digits: there is nothing in them with which a quotation could end.
        sign, ends = (WHOLE, ":*") if name == "plain" else ("", "")
        wanted = [f"'{sign}{word}'" for word in words.split()]
        column = f"{compiler.quote_name_unless_alias(self.lhs.alias)}.{COLUMN}"
        sql, params = f"{column} @@ %s::tsquery", [" & ".join(wanted) + ends]
        if len(wanted) == 1:
            return sql, params
        phrase, more = self._read(compiler, name, words)
        return f"({sql} AND {phrase})", [*params, *more]


# Of this field alone: an address of the desk that asks another one so is refused as before.
SearchEntry._meta.get_field("words").register_lookup(Says)


def _either(conditions):
    found = list(conditions)
    return f"({' OR '.join(sql for sql, _params in found)})", [one for _sql, params in found for one in params]
