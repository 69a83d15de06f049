"""What must not stand in a log: people's tokens are as good as their signature, some of them for ever."""

import logging
import re

# By the address in which they stand, also when they are not whole, and by their shape wherever else.
_IN_ADDRESS = re.compile(
    r"(/(?:newsletter/(?:sign-up/confirm|leave|undo|preferences|move|data)|apply|referee|sign-in(?:/invitation)?"
    r"|my/invitation)/)[^/\s\"?]+"
)
# Within an address that another one carries, "%2F" stands before it.
_TOKEN = re.compile(r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}))(?:[\w-]{22}|[\w-]{27})\.[\w-]{43}(?![\w-])", re.ASCII)


class WithoutTokens(logging.Filter):
    """Lets every line pass, with the tokens of `picum.links` taken out of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        cleaned = _TOKEN.sub("…", _IN_ADDRESS.sub(r"\1…", message))
        if cleaned != message:
            record.msg, record.args = cleaned, None
        return True
