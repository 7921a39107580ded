"""`python -m local.demo [SCENARIO]`: plays the scenario, draws its timeline, writes demo-report.json and a picture.

Exit code 0 when all that must hold does, 1 when something does not, 2 when the stage could not be set, and 130 after
Ctrl-C or SIGTERM.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from local.demo.deciding import SCREENSHOT
from local.demo.drawing import draw
from local.demo.expectations import judge
from local.demo.pace import FULL_PACE
from local.demo.picture import picture
from local.demo.play import CannotPlay, play
from local.demo.report import Report, report
from local.demo.scenarios import DEFAULT_SCENARIO, SCENARIOS
from local.demo.screen import console, screen
from local.rig.rig import APP_FOLDER

EXIT_NOT_HELD = 1
EXIT_CANNOT_PLAY = 2
EXIT_INTERRUPTED = 130
REPORT_FILE = Path("demo-report.json")
PICTURE_FILE = Path("demo-timeline.svg")
SCREENSHOT_FILE = Path("demo-approval.png")


def _parse_arguments() -> argparse.Namespace:
    stories = "\n".join(f"  {name:<14}{scenario.story}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description=f"scenarios:\n{stories}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = os.environ.get("SCENARIO") or DEFAULT_SCENARIO
    parser.add_argument("scenario", nargs="?", default=default, help="default: $SCENARIO, or bad-build")
    arguments = parser.parse_args()
    if arguments.scenario not in SCENARIOS:
        parser.error(f"there is no scenario {arguments.scenario!r}; there is {', '.join(SCENARIOS)}")
    return arguments


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Only the first one counts: a second must not break into the clean-up.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _play(name: str) -> Report:
    logs = APP_FOLDER / ".rig" / "demo" / name
    shutil.rmtree(logs, ignore_errors=True)
    terminal = console()
    with screen(terminal) as shown:
        recording = play(name, FULL_PACE, shown, logs)
    found = report(recording, judge(recording, SCENARIOS[name].expects))
    REPORT_FILE.write_text(json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    PICTURE_FILE.write_text(picture(found, recording), encoding="utf-8")
    draw(terminal, found)
    written = ", ".join(map(str, (REPORT_FILE, PICTURE_FILE, *_kept_screenshots(logs))))
    terminal.print(f"written: {written}; logs are in {logs.relative_to(APP_FOLDER)}/")
    return found


def _kept_screenshots(logs: Path) -> list[Path]:
    """Keep beside the report what a person saw, if one was asked."""
    taken = logs / SCREENSHOT
    return [shutil.copyfile(taken, SCREENSHOT_FILE)] if taken.exists() else []


def main() -> int:
    arguments = _parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return 0 if _play(arguments.scenario).held else EXIT_NOT_HELD
    except CannotPlay as reason:
        print(f"The demo cannot be played: {reason}", file=sys.stderr)
        return EXIT_CANNOT_PLAY
    except KeyboardInterrupt:
        print("Interrupted; everything that the demo started has ended.", file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
