"""`python -m benchmarks [ROW…]`: measure, print, and keep the figures in var/bench/latest.json."""

import argparse
import os
import sys
import time

from benchmarks import machine, profiling, report
from benchmarks.measure import Measure, Skipped
from benchmarks.run import Run
from benchmarks.site import FOLDER, ROOT
from benchmarks.table import MEASURES, TABLES

LATEST, DOCUMENT = FOLDER / "latest.json", ROOT / "docs" / "benchmarks.md"


def main() -> int:
    options = parsed()
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = Run(options.quick, options.times or (1 if options.quick else 3), options.connections, options.profile)
    wanted = [measure for measure in MEASURES if measure.name in options.rows]
    begun, loads = time.monotonic(), [round(os.getloadavg()[0], 1)]
    try:
        if options.profile:
            profiling.recorder()
        rows = [take(measure, run) for measure in wanted]
        loads.append(round(os.getloadavg()[0], 1))
        kept = report.save(LATEST, rows, machine=machine.described(run.version), quick=run.quick, loads=loads)
        report.say(f"\n{len(rows)} rows in {time.monotonic() - begun:.0f} s; the load was {loads[0]} before.\n")
        report.say(report.table(kept))
        if options.write:
            report.write(DOCUMENT, kept, {name: [one.name for one in rows] for name, rows in TABLES.items()})
    except KeyboardInterrupt:
        return 130
    except Skipped as lack:
        report.say(str(lack))
        return 2
    finally:
        run.close()
    return 1 if any("failed" in row for row in rows) else 0


def take(measure: Measure, run: Run) -> dict:
    """Measure a row and say so. What this machine lacks is one line; a row that breaks leaves the others alone."""
    report.say(f"\n{measure.name}: {measure.title}")
    try:
        result = measure.take(run)
    except Skipped as lack:
        report.say(f"  skipped: {lack}")
        return report.skipped(measure, str(lack))
    except Exception as failure:
        report.say(f"  failed: {failure}")
        return report.skipped(measure, "it failed") | {"failed": type(failure).__name__}
    report.say_result(measure, result)
    return report.row(measure, result)


def parsed() -> argparse.Namespace:
    names = [measure.name for measure in MEASURES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(names)}, or {_tables()}; by default all")
    parser.add_argument("--quick", action="store_true", help="fewer letters, each rate taken once")
    parser.add_argument("--times", type=int, default=0, help="how often each rate is taken (3)")
    parser.add_argument("--connections", type=int, default=0, help="SENDING_CONNECTIONS of rows that leave it open")
    parser.add_argument("--profile", action="store_true", help="let py-spy record row smtp, into var/bench/")
    parser.add_argument("--write", action="store_true", help="put whole tables into docs/benchmarks.md too")
    options = parser.parse_args()
    if unknown := set(options.rows) - {*names, *TABLES}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    asked = {one.name for name in options.rows for one in TABLES.get(name, [])}
    options.rows = asked | set(options.rows) if options.rows else set(names)
    return options


def _tables() -> str:
    return " or ".join(f"{name} for all of that table" for name in TABLES)


if __name__ == "__main__":
    sys.exit(main())
