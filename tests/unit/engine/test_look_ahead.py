"""What a level would do to rows, looked at for whoever asks: how it begins, what is lost, whether it fits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.engine.previews import LookAhead
from shared.engine.records import CHECKPOINTS
from shared.errors import NotFound, PermanentError, TransientError
from shared.model.checkpoint import CheckpointStatus
from shared.model.level_ahead import Begins, LevelAhead
from shared.model.sync import Finding, Severity
from shared.ports import Delete
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import LOSS, RowsStory, taken

_SAYS = "shop: 10 rows inserted, 0 updated, 0 deleted on the source"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def story() -> RowsStory:
    return RowsStory()


def ahead(story: RowsStory, pool: ThreadPoolExecutor, level: int = 2) -> LevelAhead:
    return LookAhead(story.ledger, story.rows, story.policies, pool).of("orders", level)


def test_without_loss_it_begins_by_itself(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    found = ahead(story, pool)
    assert (found.begins, found.fits, found.takes) == (Begins.BY_ITSELF, True, timedelta(seconds=20))
    assert found.says == f"{_SAYS}; nothing stays behind; about 20 s; level 2 begins by itself"
    (shop,) = found.databases
    assert (shop.lost, shop.why_not, shop.behind) == (0, None, ())
    assert shop.preview is not None
    assert shop.digest == shop.preview.digest


def test_loss_above_the_limit_asks_people(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    story.rows.losses = (LOSS,)
    found = ahead(story, pool)
    assert found.begins is Begins.ASKS
    assert found.says.endswith("nobody agreed to more: orders.note: is not on the source (100)")
    (shop,) = found.databases
    assert (shop.lost, shop.behind) == (100, ("orders.note: is not on the source (100)",))


def test_its_digest_is_what_a_run_begins_with(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    story.rows.losses = (LOSS,)
    (shop,) = ahead(story, pool).databases
    assert story.tell(agreed=(shop.digest,)).status.value == "verified"


def test_a_policy_that_refuses_is_said_to(pool: ThreadPoolExecutor) -> None:
    story = RowsStory(data_policy(database=", loss: {above: refuse}"))
    story.rows.losses = (LOSS,)
    found = ahead(story, pool)
    assert found.begins is Begins.REFUSED
    assert "the rows of shop would not go back: the policy lets 0 stay behind" in found.says


def test_what_stands_against_it_is_refused_also_where_people_are_asked(pool: ThreadPoolExecutor) -> None:
    story = RowsStory(data_policy(level=", approval: {ttl: 5m}"))
    story.rows.findings = (Finding(severity=Severity.BLOCKS, about="public.orders", what="has no key"),)
    found = ahead(story, pool)
    assert found.begins is Begins.REFUSED
    assert found.says.endswith("the rows of shop would not go back: public.orders: has no key")


def test_a_level_that_takes_an_approval_asks(pool: ThreadPoolExecutor) -> None:
    found = ahead(RowsStory(data_policy(level=", approval: {ttl: 5m}")), pool)
    assert (found.begins, found.says.endswith("level 2 takes an approval")) == (Begins.ASKS, True)


def test_what_takes_longer_than_the_budget_does_not_fit(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    story.rows.takes = timedelta(seconds=301)
    assert ahead(story, pool).fits is False


def test_without_a_checkpoint_nobody_can_tell(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    story.ledger.commit("orders", [Delete(CHECKPOINTS)])
    found = ahead(story, pool)
    assert (found.begins, found.takes, found.fits) == (Begins.REFUSED, None, None)
    assert "shop: there is no checkpoint: no change began since this database was named" in found.says


@pytest.mark.parametrize("status", [CheckpointStatus.REFUSED, CheckpointStatus.WANTED, CheckpointStatus.ENDED])
def test_a_checkpoint_that_does_not_stand_is_not_asked(
    story: RowsStory, pool: ThreadPoolExecutor, status: CheckpointStatus
) -> None:
    story.keep(taken(status=status))
    assert ahead(story, pool).databases[0].why_not == f"checkpoint {status}"
    assert story.rows.previews == 0


def test_one_that_is_lost_is_asked_all_the_same(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    story.keep(taken(status=CheckpointStatus.LOST))
    assert ahead(story, pool).begins is Begins.BY_ITSELF


@pytest.mark.parametrize("error", [TransientError("the source does not answer"), PermanentError("no password")])
def test_a_database_that_does_not_answer_says_nothing_of_another(
    story: RowsStory, pool: ThreadPoolExecutor, error: TransientError | PermanentError
) -> None:
    story.rows.preview_silent = error
    found = ahead(story, pool)
    assert (found.begins, found.databases[0].why_not) == (Begins.REFUSED, f"nobody can tell: {error}")


def test_a_level_without_rows_says_so(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    found = ahead(story, pool, level=1)
    assert (found.says, found.databases, found.fits) == ("level 1 takes no rows back", (), None)


def test_a_level_or_a_workload_that_is_not_there(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    with pytest.raises(NotFound):
        ahead(story, pool, level=3)
    with pytest.raises(NotFound):
        LookAhead(story.ledger, story.rows, dict, pool).of("orders", 2)


def test_nothing_is_changed_or_kept(story: RowsStory, pool: ThreadPoolExecutor) -> None:
    before = story.ledger.scan("orders", "")
    ahead(story, pool)
    assert story.ledger.scan("orders", "") == before
    assert story.calls == []
