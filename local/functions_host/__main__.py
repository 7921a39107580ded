"""`python -m local.functions_host --app-dir DIR --port N`: see `-h`.

Prints one line of JSON on standard output when it is ready; everything else goes to standard error.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import secrets
import socket
import sys
import zlib
from pathlib import Path

from local.functions_host.app_settings import AppSettings
from local.functions_host.errors import HostError
from local.functions_host.host import Host, HostOptions
from local.functions_host.keys import Keys
from local.told_to_stop import told_to_stop

logger = logging.getLogger("functions_host")

QUIET_LOGGERS = ("azure", "aiohttp.access", "asyncio")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.add_argument("--app-dir", type=Path, required=True, help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--instance", default=f"{socket.gethostname()}-{os.getpid()}", help="name in the log")
    parser.add_argument("--host-id", help="instances of one app share it (default: from the folder)")
    parser.add_argument("--function-key", default=_key("RIG_FUNCTION_KEY"))
    parser.add_argument("--master-key", default=_key("RIG_MASTER_KEY"))
    parser.add_argument("--deliver-twice", action="store_true", help="hand each queue message to its function twice")
    parser.add_argument(
        "--end-with-stdin", action="store_true", help="stop when standard input closes (the launcher died)"
    )
    parser.add_argument(
        "--drain-seconds", type=float, default=10.0, help="how long running calls may go on after SIGTERM"
    )
    return parser.parse_args()


def _key(setting: str) -> str:
    return os.environ.get(setting) or secrets.token_urlsafe(32)


def _host_id(app_dir: Path) -> str:
    """As many instances as run one folder belong together."""
    name = re.sub(r"[^a-z0-9-]", "", app_dir.name.lower()) or "app"
    return f"{name[:23]}-{zlib.crc32(str(app_dir).encode()):08x}"


def _options(arguments: argparse.Namespace) -> HostOptions:
    app_dir = arguments.app_dir.resolve()
    return HostOptions(
        app_dir=app_dir,
        port=arguments.port,
        instance=arguments.instance,
        host_id=arguments.host_id or _host_id(app_dir),
        keys=Keys(function=arguments.function_key, master=arguments.master_key),
        deliver_twice=arguments.deliver_twice,
        drain_s=arguments.drain_seconds,
    )


def _configure_logging(instance: str) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format=f"%(asctime)s.%(msecs)03d [{instance}] %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _ready_line(host: Host, keys: Keys) -> str:
    names = [function.name for function in host.functions]
    return json.dumps({"url": host.url, "function_key": keys.function, "master_key": keys.master, "functions": names})


async def _serve(options: HostOptions, arguments: argparse.Namespace) -> int:
    ready_stream = sys.stdout
    sys.stdout = sys.stderr  # what the app prints is log, as in Azure
    host = Host(options, AppSettings(os.environ))
    told = told_to_stop(with_stdin=arguments.end_with_stdin)
    try:
        await host.start()
        print(_ready_line(host, options.keys), file=ready_stream, flush=True)
        await host.serve_until(told)
        exit_code = 0
    except HostError as error:
        print(f"functions_host: {error}", file=sys.stderr)
        exit_code = 1
    finally:
        await host.stop()
    if host.is_running_functions:
        # The interpreter would wait for the worker's threads for as long as they please.
        logger.warning("functions still run after the drain time: leaving them")
        sys.stderr.flush()
        os._exit(exit_code)
    return exit_code


def main() -> int:
    arguments = _parse_arguments()
    options = _options(arguments)
    # The platform sets it; apps tell instances apart by it.
    os.environ["WEBSITE_INSTANCE_ID"] = options.instance
    _configure_logging(options.instance)
    return asyncio.run(_serve(options, arguments))


if __name__ == "__main__":
    sys.exit(main())
