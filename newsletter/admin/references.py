"""Earlier items, to be referred to in the text of another."""

from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from newsletter import references, search, translating
from newsletter.admin.search import seen_by

MOST = 10


@require_safe
def find(request: HttpRequest) -> JsonResponse:
    """`?q=…&language=de`: items that have appeared and say so in that language, in the person's own or in English; the
    best first. Each: number, title and the language of it, issue, and the permanent address, in that language where the
    item has appeared in it. Ten queries at most."""
    seen_by(request)  # 404 for others; what has appeared is everybody's to read
    language = request.GET.get("language", "")
    if language not in translating.LANGUAGES:
        raise Http404
    words, now = request.GET.get("q", "").replace("\0", ""), timezone.now()
    numbers = _numbers(words, list(dict.fromkeys([language, get_language() or "en", "en"])), now)
    there = {one.number: one for one in references.published(numbers, language, on=now)}
    found = [
        {
            "number": one.number,
            "title": one.title,
            "language": one.language,
            "issue": one.label,
            "address": references.address(one),
        }
        for one in (there[number] for number in numbers if number in there)
    ]
    return JsonResponse({"items": found})


def _numbers(words: str, languages: list[str], now) -> list[int]:
    """Of items, those found in the first language first."""
    found: dict[int, None] = {}
    for language in languages:
        if len(found) < MOST and search.parsed(words, language):
            items = search.items(words, language, search.Narrowing(published=True), on=now)
            found |= dict.fromkeys(items.values_list("pk", flat=True)[:MOST])
    return list(found)[:MOST]
