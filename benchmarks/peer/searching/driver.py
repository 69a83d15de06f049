"""Speaks as `benchmarks.driver` does: reads the questions, indexes, {"ready": …}, a line, the answer."""

import json
import os
import sys
import time

BATCH = 500
SHOWN = 25  # items of a page
# Markup is taken out, as Wagtail does with rich text.
_TABLE = """
CREATE TABLE peer_words_{0} AS
SELECT words.master_id AS id, words.title, regexp_replace(words.text, '<[^>]*>', ' ', 'g') AS text,
       extract(year FROM issue.period)::int AS year
FROM newsletter_itemtranslation AS words
JOIN newsletter_item AS item ON item.id = words.master_id JOIN newsletter_issue AS issue ON issue.id = item.issue_id
WHERE words.language_code = '{0}';
ALTER TABLE peer_words_{0} ADD PRIMARY KEY (id);
"""


def prepare() -> float:
    """Our items as its models, known to its index; seconds that the index took."""
    from django.core.management import call_command
    from django.db import connection
    from modelsearch.backends import get_search_backend

    from benchmarks.peer.searching import models

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        for language in models.IN:
            cursor.execute(_TABLE.format(language))
    start = time.perf_counter()
    for language, model in models.IN.items():
        found = get_search_backend(language).get_index_for_model(model)
        rows = list(model.objects.order_by("pk"))
        for at in range(0, len(rows), BATCH):
            found.add_items(model, rows[at : at + BATCH])
        found.refresh()
    seconds = time.perf_counter() - start
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return seconds


def answer(question: dict) -> tuple[int, float]:
    """How many items answer it, and the milliseconds for that and for reading the first page of them."""
    from modelsearch.backends import get_search_backend
    from modelsearch.query import Phrase

    from benchmarks.peer.searching import models

    start = time.perf_counter()
    rows = models.IN[question["language"]].objects.all()
    if question["year"]:
        rows = rows.filter(year=question["year"])
    words = Phrase(question["words"]) if question["phrase"] else question["words"]
    found = get_search_backend(question["language"]).search(words, rows, operator="and")
    number = found.count()
    list(found[:SHOWN])
    return number, round((time.perf_counter() - start) * 1000, 2)


def ask(question: dict, times: int) -> dict:
    runs = [answer(question) for _time in range(times + 1)]
    return {"found": runs[0][0], "milliseconds": [taken for _found, taken in runs[1:]]}


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peer.searching.settings"
    import django

    django.setup()
    questions = json.loads(sys.stdin.readline())
    seconds = prepare()
    print(json.dumps({"ready": "peer"}), flush=True)  # noqa: T201
    sys.stdin.readline()
    answers = [question | ask(question, int(sys.argv[1])) for question in questions]
    print(json.dumps({"questions": answers, "seconds": seconds}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
