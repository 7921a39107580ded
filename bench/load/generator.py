"""An open-loop load, in a process of its own: requests leave at their times, however slow the answers are.

`python -m bench.load.generator --url URL --rate N --results FILE` prints a line when it begins, and on SIGTERM writes
one JSON array a request: when it was due, was sent, was answered (Unix seconds), status, build. Latency counts from
when a request was due, so that a generator that falls behind does not hide what its users waited for.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

from bench.load.user import User
from bench.load.visits import Visit
from local.told_to_stop import told_to_stop

USERS = 100


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load.generator", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True, help="requests per second")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input closes")
    return parser.parse_args()


async def _load(url: str, rate: float, told: asyncio.Event) -> list[Visit]:
    """Send until told to stop, then wait for what is under way."""
    users = [User(url, str(number)) for number in range(USERS)]
    visits: list[Visit] = []
    begun_s, number = time.time(), 0
    async with asyncio.TaskGroup() as group:
        while not told.is_set():
            due_s = begun_s + number / rate
            await asyncio.sleep(max(0.0, due_s - time.time()))
            group.create_task(_visit(users[number % USERS], due_s, visits))
            number += 1
    for user in users:
        await user.leave()
    return visits


async def _visit(user: User, due_s: float, visits: list[Visit]) -> None:
    sent_s = time.time()
    answer = await user.ask()
    visits.append(Visit(due_s, sent_s, time.time(), answer.status, answer.build))


async def main(arguments: argparse.Namespace) -> None:
    told = told_to_stop(with_stdin=arguments.end_with_stdin)
    print(json.dumps({"sends_to": arguments.url}), flush=True)
    visits = await _load(arguments.url, arguments.rate, told)
    arguments.results.write_text("".join(f"{json.dumps(visit)}\n" for visit in visits), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
