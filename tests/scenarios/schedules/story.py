"""Tells a schedule in readable lines, for whoever has to find out why a law was broken."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from tests.scenarios.schedules.play import Ending
from tests.scenarios.schedules.world import Line

_THIS_TEST = "tests/scenarios/schedules/test_schedules.py"


def tell(ending: Ending, broken: list[str]) -> str:
    """Return the whole story of a seed, and how to see it alone again."""
    return "\n".join(
        (
            f"seed {ending.seed}: {'; '.join(broken)}",
            f"only this one again: RIG_SEED={ending.seed} python -m pytest {_THIS_TEST}",
            f"odds: {', '.join(f'{name} {value}' for name, value in asdict(ending.odds).items())}",
            *(_line(line) for line in ending.story),
            f"production changed at: {[at.strftime('%H:%M:%S') for at in ending.slots.switched_at] or 'never'}",
        )
    )


def _line(line: Line) -> str:
    record = f" {', '.join(_record(line.body))}" if line.body else ""
    return f"{line.at_s:9.2f} s  {line.who}: {line.what}{record}"


def _record(body: str) -> Iterator[str]:
    run = json.loads(body)
    yield run.get("status", "a record")
    for step in run.get("steps", ()):
        if step["phase"] != "pending" or step["acts"]:
            acts = f" ({step['acts']} intents)" if step["acts"] else ""
            yield f"{step['name']} {step['phase']}{acts}"
