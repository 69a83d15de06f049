"""What a driver can be told to do."""

from collections.abc import Callable, Generator

VERBS: dict[str, Callable[..., Generator]] = {}


def verb(function: Callable[..., Generator]) -> Callable[..., Generator]:
    """A generator that yields once when it is ready, and returns its answer."""
    VERBS[function.__name__] = function
    return function
