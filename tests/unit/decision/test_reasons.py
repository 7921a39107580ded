"""What is kept of a decision is enough to come to it again, and holds nothing secret."""

import pytest

from shared.decision.cycle import Known, News, next_cycle
from shared.decision.plans import reactions_of
from shared.decision.reasons import decide_again, reasons_of, verdicts_of
from shared.model.policy import Policy
from shared.model.watch import WatchState
from tests.fakes.policies import policy
from tests.unit.decision.build import NOON

_ROADS = (
    "roads: {tell: {hook: https://orders.example/x, read_back: https://orders.example/x, expect: {ok: true}, secret: "
)
_SECRET = "sixteen characters at least"
_LEVELS = f'{_ROADS}"{_SECRET}"}}}}\nlevels: {{1: {{approval: {{quorum: 2}}}}, 2: {{roads: [tell]}}}}\nnotify:'


@pytest.mark.parametrize("levels", ["levels: {1: {}, 2: {roads: [slot_swap]}}\nnotify:", _LEVELS])
def test_what_is_kept_says_which_levels_take_people(levels: str) -> None:
    """A trigger that asks and one that acts are not decided alike."""
    read = policy(("notify:", levels))
    known, news = Known(state=WatchState()), News(samples={})
    reasons = reasons_of(read, known, news, NOON)
    assert reactions_of(Policy.model_validate(reasons.policy)) == reactions_of(read)
    assert decide_again(reasons) == verdicts_of(next_cycle(read, known, news, NOON))
    assert _SECRET not in str(reasons.policy)
