"""`python -m bench.sync`: how fast rows come back, beside other ways, in rounds on two real servers.

Prints tables of all figures and how they stand against the aims; ends with 0 if the run was sound, whatever the aims.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from bench.sync.run import PARTS, Asked, run
from bench.sync.shown import as_json, show


def _asked() -> tuple[Asked, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m bench.sync", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="let also the slow ways do all rows")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    given = parser.parse_args()
    if given.rows < 10_000 or given.rows % 10_000:
        parser.error("--rows: tens of thousands")
    return Asked(given.rows, given.rounds, given.full, tuple(given.only)), given.json


def main() -> None:
    asked, file = _asked()
    load = os.getloadavg()[0]
    report = run(asked)
    facts = {**asdict(asked), "load_before": round(load, 1), **report.facts}
    show(facts, report)
    if file is not None:
        file.write_text(json.dumps(as_json(facts, report), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
