"""`python -m bench.detection [--episodes FILE]`: how well health is judged; one JSON object a line and finding.

On labelled watches of real systems: the default judgement at several levels, what tuning on folds and on the other
system would have chosen, and every kind of trigger alone. Then on made-up noise without any fault, asked at every
sample.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.detection.episodes import Episode, read
from bench.detection.folds import folded
from bench.detection.noise import CORRELATIONS, SETTINGS, Setting, quiet_watches, two_sides
from bench.detection.scores import Alarms, Share, by_fold, by_system, scored, tuned
from bench.detection.triggers import DEFAULT, DETECTORS, OTHERWISE, Detector, alarm_of, comparison, first_alarm
from bench.measuring import Finding, console, progress

EPISODES = Path(__file__).parents[2].parent / "shared" / "detection" / "episodes.jsonl"
LEVELS = (0.02, 0.04, 0.06, 0.08, 0.1)


def on_episodes(episodes: Sequence[Episode]) -> Iterator[Finding]:
    """The default judgement, how it would have been tuned, and the others beside it."""
    by_level = {level: _alarms(_at_level(level), episodes) for level in LEVELS}
    default = _alarms(DEFAULT, episodes)
    yield Finding(DEFAULT.name, scored(episodes, default))
    for system in sorted({episode.system for episode in episodes}):
        own = [episode for episode in episodes if episode.system == system]
        yield Finding(f"{DEFAULT.name} on {system}", scored(own, default))
    for level, alarms in by_level.items():
        yield Finding(_at_level(level).name, scored(episodes, alarms))
    for how, groups in (("folds", by_fold(episodes)), ("systems", by_system(episodes))):
        for line in tuned(episodes, by_level, groups):
            yield Finding(f"tuned on other {how}", line)
    for detector in (*OTHERWISE, *DETECTORS):
        yield Finding(detector.name, scored(episodes, _alarms(detector, episodes)))


def _alarms(detector: Detector, episodes: Sequence[Episode]) -> Alarms:
    return {episode.id: alarm_of(detector, episode) for episode in progress(episodes, description=detector.name)}


def _at_level(level: float) -> Detector:
    return replace(DEFAULT, name=f"{DEFAULT.name} at level {level:g}", changed={"level": level})


def on_noise(watches: float) -> Iterator[Finding]:
    """How often quiet watches alarm when they are asked at every sample.

    Args:
        watches: How many of them, in parts of the full number.
    """
    for setting in SETTINGS:
        fewer = replace(setting, watches=max(1, round(setting.watches * watches)))
        for correlation in CORRELATIONS:
            yield Finding("quiet noise", _of_noise(fewer, correlation))


def _of_noise(setting: Setting, correlation: float) -> dict[str, Any]:
    what = f"{setting.name}, AR {correlation:g}"
    quiet = progress(quiet_watches(setting, correlation), description=what, total=setting.watches)
    judged = Share(sum(alarm_of(DEFAULT, watch) is not None for watch in quiet), setting.watches)
    found = {"watches": what, DEFAULT.name: judged.line()}
    if setting.looks >= 60:
        found["worse_than"] = _of_sides(setting, correlation).line()
    return found


def _of_sides(setting: Setting, correlation: float) -> Share:
    rule, asked = comparison(timedelta(minutes=1), setting.looks)
    alarms = (first_alarm(rule, sides, asked) for sides in two_sides(setting, correlation))
    return Share(sum(alarm is not None for alarm in alarms), setting.watches)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("--episodes", type=Path, default=EPISODES, help="labelled watches, one JSON object a line")
    parser.add_argument("--watches", type=float, default=1.0, help="part of the made-up watches to play; 0 for none")
    given = parser.parse_args()
    if given.episodes.exists():
        for finding in on_episodes(folded(read(given.episodes))):
            print(json.dumps(finding.line()), flush=True)
    else:
        console.print(f"no labelled watches at {given.episodes}: only noise is judged")
    for finding in on_noise(given.watches) if given.watches else ():
        print(json.dumps(finding.line()), flush=True)


if __name__ == "__main__":
    main()
