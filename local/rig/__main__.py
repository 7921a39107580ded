"""`make dev`: the rig in the foreground. Prints one line of JSON when all is ready; Ctrl-C or SIGTERM stops it."""

import json
import signal
import sys
from pathlib import Path
from threading import Event

from local.rig.rig import APP_FOLDER, Rig, RigOptions


def _write_settings(folder: Path, rig: Rig) -> None:
    """Write the app's settings as Core Tools read them, for whoever has `func`."""
    values = {"FUNCTIONS_WORKER_RUNTIME": "python", **rig.app_settings()}
    document = {"IsEncrypted": False, "Values": values}
    (folder / "local.settings.json").write_text(json.dumps(document, indent=2), encoding="utf-8")


def main() -> int:
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    logs = Path(APP_FOLDER) / ".rig" / "dev"
    with Rig(RigOptions(logs=logs)) as rig:
        line = {
            "app": rig.app_url,
            "site": rig.site_url,
            "simulator": rig.simulator.url,
            "storage": rig.storage,
            "function_key": rig.function_key,
        }
        _write_settings(logs, rig)
        print(json.dumps(line), flush=True)
        print(f"logs are in {logs.relative_to(APP_FOLDER)}/; Ctrl-C stops everything", file=sys.stderr)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
