"""`make dev`: the rig in the foreground. Prints one line of JSON when all is ready; Ctrl-C or SIGTERM stops it."""

import json
import signal
import sys
from pathlib import Path
from threading import Event

from local.rig.rig import APP_FOLDER, Rig, RigOptions


def main() -> int:
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    logs = Path(APP_FOLDER) / ".rig" / "dev"
    with Rig(RigOptions(logs=logs)) as rig:
        line = {
            "app": rig.app_url,
            "site": rig.site_url,
            "simulator": rig.simulator.ready["simulator"],
            "storage": rig.storage,
            "function_key": rig.function_key,
        }
        print(json.dumps(line), flush=True)
        print(f"logs are in {logs.relative_to(APP_FOLDER)}/; Ctrl-C stops everything", file=sys.stderr)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
