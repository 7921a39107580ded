"""Replays thousands of seeded schedules of duplicated, reordered, delayed, lost and crashed deliveries.

`RIG_SCHEDULES=100000` plays more of them, `RIG_SEED=n` only one, and `-s` shows what was met on the way.
"""

import os
import sys
from collections import Counter

import pytest

from tests.scenarios.schedules.laws import broken_laws
from tests.scenarios.schedules.play import Schedule
from tests.scenarios.schedules.story import tell

_SCHEDULES = int(os.environ.get("RIG_SCHEDULES", "2000"))
_ONLY = os.environ.get("RIG_SEED")
_SEEDS = range(_SCHEDULES) if _ONLY is None else [int(_ONLY)]


# As many as CONTRIBUTING.md asks for take longer than a test may otherwise: 10 a second is slow for any machine.
@pytest.mark.timeout(max(300, _SCHEDULES // 10))
def test_no_schedule_breaks_a_law() -> None:
    met: Counter[str] = Counter()
    stories: list[str] = []
    for seed in _SEEDS:
        ending = Schedule(seed).play()
        met += _met(ending.counts)
        if broken := broken_laws(ending):
            stories.append(tell(ending, broken))
    sys.stdout.write(f"\nmet: {', '.join(f'{count:,} {what}' for what, count in sorted(met.items()))}\n")
    assert not stories, f"{len(stories)} of {met['schedules']:,} schedules break a law; the first:\n{stories[0]}"


def _met(counts: Counter[str]) -> Counter[str]:
    return Counter({"schedules": 1, "double intents": counts["intents"] > 1}) + counts


def test_a_seed_always_tells_the_same_story() -> None:
    for seed in range(20):
        assert Schedule(seed).play().story == Schedule(seed).play().story
