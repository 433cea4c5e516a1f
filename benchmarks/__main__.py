"""`python -m benchmarks [--rounds N] [PART …]`: prints the table; `make bench` writes it into benchmarks/README.md."""

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import artifacts, backup, events, hooks, migration, session, startup, state
from benchmarks.measure import Row, render

PARTS = {
    "startup": startup.rows,
    "state": state.rows,
    "migration": migration.rows,
    "backup": backup.rows,
    "events": events.rows,
    "session": session.rows,
    "artifacts": artifacts.rows,
    "hooks": hooks.rows,
}
README = Path(__file__).with_name("README.md")
HEAD = """# Benchmarks

`make bench` measures every figure beside a bare baseline in the same run, in turn and round by round, and writes this page.
Ratios are medians over the rounds: above 1 is faster than the baseline, and for costs (start-up) how many times the
baseline's time it takes. Absolute times move between machines; the ratios are what is promised.

"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all of them")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help=f"write the table into {README.name}")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in given.parts or PARTS:
            rows.extend(PARTS[part](Path(folder), given.rounds))
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    text = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {given.rounds} rounds.\n\n{render(rows)}\n"
    print(text)
    if given.write:
        README.write_text(HEAD + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
