"""`python -m local.entra_issuer [--port N]` (0 takes a free port).

Prints one JSON line when it is ready: where people sign in, the tenant, the audiences and control. SIGTERM ends it.
"""

import argparse
import asyncio
import json

from local.entra_issuer.server import running_issuer
from local.told_to_stop import told_to_stop


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.entra_issuer", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input closes")
    return parser.parse_args()


async def main(port: int, *, with_stdin: bool) -> None:
    told = told_to_stop(with_stdin=with_stdin)
    async with running_issuer(port) as ready:
        print(json.dumps(ready), flush=True)
        await told.wait()


if __name__ == "__main__":
    arguments = parse_arguments()
    asyncio.run(main(arguments.port, with_stdin=arguments.end_with_stdin))
