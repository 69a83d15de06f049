"""One run: what all its rows share."""

from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.site import Databases, PostgreSQL, SQLite


@dataclass
class Run:
    """`quick`: fewer letters, once. `times`: how often each rate is taken. `connections`: of each worker, where the
    row does not say so itself; 0: the row's own. `profile`: record where row smtp spends its time."""

    quick: bool = False
    times: int = 3
    connections: int = 0
    profile: bool = False
    opened: list[Databases] = field(default_factory=list)

    def number(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole

    @cached_property
    def postgresql(self) -> PostgreSQL:
        """Raises Skipped where no server answers."""
        return self._opened(PostgreSQL())

    @cached_property
    def sqlite(self) -> SQLite:
        return self._opened(SQLite())

    @property
    def version(self) -> str:
        """PostgreSQL's, if a row used it."""
        return next((databases.version for databases in self.opened if isinstance(databases, PostgreSQL)), "")

    def _opened(self, databases):
        self.opened.append(databases)
        return databases

    def close(self) -> None:
        for databases in self.opened:
            databases.close()
