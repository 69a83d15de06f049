"""Numbers and links in which a translation is not like its original, looked for once in each pair of texts."""

from collections.abc import Iterable, Mapping

from newsletter.kept import Kept, digest
from newsletter.translation import warnings
from newsletter.translation.changes import Change
from newsletter.translation.warnings import Difference

Words = Mapping[str, str]
_kept: Kept[tuple[Difference, ...]] = Kept(4096)  # eleven issues of 60 items in six languages


def of(source: Words, source_language: str, words: Words, language: str) -> tuple[Difference, ...]:
    """Queries nothing. An original is like itself."""
    if language == source_language:
        return ()
    key = digest(source_language, sorted(source.items()), language, sorted(words.items()))
    return _kept.of(key, lambda: tuple(warnings.differing(source, words, source_language, language)))


def since(
    changes: Iterable[Change], source: Words, source_language: str, words: Words, language: str
) -> tuple[Difference, ...]:
    """Those that came with these changes of the source. What differed before is not theirs."""
    if not of(source, source_language, words, language):
        return ()
    return tuple(warnings.differing_since(changes, source, words, source_language, language))
