"""Serves one build: `python -m local.demo_site --build b1 --port 0`; prints one JSON line when it is ready.

With `--control-on-stdin` whoever started it governs it through the pipe: each line sets the build's faults as
JSON and is answered by `{"faults": "set"}`; the end of the pipe ends the site, so none outlives its starter.
"""

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from local.demo_site.app import DemoSite, serve
from local.demo_site.faults import BuildFaults
from local.told_to_stop import told_to_stop

EXIT_DIED = 70


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo_site", description=__doc__)
    parser.add_argument("--build", required=True, help="the build id that every answer carries")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--control-on-stdin", action="store_true")
    return parser.parse_args()


async def obey_stdin(site: DemoSite) -> None:
    """Sets faults line by line until the pipe ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        faults = BuildFaults.model_validate_json(line)
        if faults.die:
            # A crash runs no clean-up: connections break in the middle, as users see it.
            os._exit(EXIT_DIED)
        site.break_with(faults)
        print(json.dumps({"faults": "set"}), flush=True)


async def main(arguments: argparse.Namespace) -> None:
    site = DemoSite(arguments.build)
    runner, url = await serve(site.handle, arguments.port)
    print(json.dumps({"url": url, "build": arguments.build, "pid": os.getpid()}), flush=True)
    endings: list[asyncio.Task[Any]] = [asyncio.create_task(told_to_stop().wait())]
    if arguments.control_on_stdin:
        endings.append(asyncio.create_task(obey_stdin(site)))
    done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    for ending in done:
        ending.result()


if __name__ == "__main__":
    asyncio.run(main(parse_arguments()))
