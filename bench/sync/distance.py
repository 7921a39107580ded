"""Puts a distance between here and both servers: a proxy in a process of its own, which holds every byte back.

`python -m bench.sync.distance --delay SECONDS PORT ...` prints the ports to connect to instead, and ends when told to.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.sync.servers import Servers
from local.processes import Child
from local.tcp_proxy import Proxy
from local.told_to_stop import told_to_stop


@contextmanager
def at_a_distance(servers: Servers, round_trip_s: float, log: Path) -> Iterator[Servers]:
    """Return both servers as they are reached from afar."""
    ports = [str(port) for port in servers.ports.values()]
    with Child("bench.sync.distance", ["--delay", str(round_trip_s / 2), *ports], log) as child:
        yield replace(servers, ports=dict(zip(servers.ports, child.ready["ports"], strict=True)))


async def _run(delay_s: float, ports: list[int], *, with_stdin: bool) -> None:
    told = told_to_stop(with_stdin=with_stdin)
    with ExitStack() as stack:
        proxies = [stack.enter_context(Proxy("127.0.0.1", port, delay_s=delay_s)) for port in ports]
        print(json.dumps({"ports": [proxy.port for proxy in proxies]}), flush=True)
        await told.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sync.distance", description=__doc__)
    parser.add_argument("--delay", type=float, required=True, help="seconds each way")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes")
    parser.add_argument("ports", type=int, nargs="+")
    given = parser.parse_args()
    asyncio.run(_run(given.delay, given.ports, with_stdin=given.end_with_stdin))


if __name__ == "__main__":
    main()
