"""`python -m bench [NAME ...]`: prints one JSON object a line and measurement; progress goes to standard error."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping

from bench.import_time import import_time
from bench.judging import judging
from bench.load.rollback_under_load import load
from bench.measuring import Figure, Finding
from bench.replay import replay
from bench.roads.times import road_times
from bench.roads.transactions import road_transactions
from bench.rollback import rollback
from bench.watch_cycle import watch_cycle
from bench.webhook import webhook

BENCHES: Mapping[str, Callable[[], Iterator[Figure | Finding]]] = {
    "import_time": import_time,
    "webhook": webhook,
    "watch_cycle": watch_cycle,
    "judging": judging,
    "replay": replay,
    "rollback": rollback,
    "roads": road_times,
    "transactions": road_transactions,
    "load": load,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"one of {', '.join(BENCHES)}; all when none is given")
    names = parser.parse_args().names or list(BENCHES)
    if unknown := set(names) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(BENCHES)}")
    for name in names:
        for figure in BENCHES[name]():
            print(json.dumps(figure.line()), flush=True)


if __name__ == "__main__":
    main()
