"""What was found out about something, kept for as long as it is the same: a look at seven languages repeats itself."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Kept(Generic[Found]):
    """Findings of this process, by the digest of all they depend on; what was not asked for longest goes first."""

    def __init__(self, most: int):
        self._most = most
        self._found: OrderedDict[bytes, Found] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: bytes, find: Callable[[], Found]) -> Found:
        """`find` is a pure function of what `key` is the digest of, and what it finds is never changed."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = find()
        with self._lock:
            self._found[key] = found
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return found


def digest(*parts: object) -> bytes:
    """Of plain values: strings, numbers, dates, and tuples of them."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=20).digest()
