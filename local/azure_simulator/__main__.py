"""`python -m local.azure_simulator [--config FILE.json] [--port N] [--front-door-port N]` (0 takes a free port).

Prints one JSON line when it is ready: where the simulator, the front doors, control and the identity endpoint
are. SIGTERM ends it and every build process; those end by themselves when it is killed.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from local.azure_simulator.config import SimulatorConfig, default_config
from local.azure_simulator.server import running_simulator

EXIT_BAD_CONFIG = 2


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.azure_simulator", description=__doc__)
    parser.add_argument("--config", type=Path, help="without it: one site `demo` with a slot `last-good`")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--front-door-port", type=int, default=0, help="of the first site")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input closes")
    return parser.parse_args()


def read_config(path: Path | None) -> SimulatorConfig:
    return SimulatorConfig.model_validate_json(path.read_bytes()) if path else default_config()


def end_with_stdin(stopped: asyncio.Event) -> None:
    """A starter that is killed cannot say goodbye; the pipe that it held closes."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(0, 4096):  # not sys.stdin: a daemon thread would hold its lock when the interpreter ends
            pass
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=watch, daemon=True).start()


async def main(config: SimulatorConfig, port: int, front_door_port: int, *, with_stdin: bool) -> None:
    stopped = asyncio.Event()
    if with_stdin:
        end_with_stdin(stopped)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running_simulator(config, port, front_door_port) as ready:
        print(json.dumps(ready), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    arguments = parse_arguments()
    try:
        chosen_config = read_config(arguments.config)
    except ValidationError as invalid:
        sys.stderr.write(f"{arguments.config} is not a valid configuration: {invalid}\n")
        sys.exit(EXIT_BAD_CONFIG)
    asyncio.run(main(chosen_config, arguments.port, arguments.front_door_port, with_stdin=arguments.end_with_stdin))
