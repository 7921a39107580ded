"""`python -m local.azure_simulator [--config FILE.json] [--port N] [--front-door-port N]` (0 takes a free port).

Prints one JSON line when it is ready: where the simulator, the front doors, control and the identity endpoint
are. SIGTERM ends it and every build process; those end by themselves when it is killed.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from local.azure_simulator.config import SimulatorConfig, default_config
from local.azure_simulator.server import running_simulator
from local.told_to_stop import told_to_stop

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


async def main(config: SimulatorConfig, port: int, front_door_port: int, *, with_stdin: bool) -> None:
    told = told_to_stop(with_stdin=with_stdin)
    async with running_simulator(config, port, front_door_port) as ready:
        print(json.dumps(ready), flush=True)
        await told.wait()


if __name__ == "__main__":
    arguments = parse_arguments()
    try:
        chosen_config = read_config(arguments.config)
    except ValidationError as invalid:
        sys.stderr.write(f"{arguments.config} is not a valid configuration: {invalid}\n")
        sys.exit(EXIT_BAD_CONFIG)
    asyncio.run(main(chosen_config, arguments.port, arguments.front_door_port, with_stdin=arguments.end_with_stdin))
