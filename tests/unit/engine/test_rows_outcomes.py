"""What the outcome of a run says of rows: those that stay on the target alone, and those that are back."""

from shared.model.run import RunStatus
from tests.fakes.rows import SliceFate
from tests.fakes.slots import Fate, Reply
from tests.unit.engine.rows_story import RowsStory, traffic_went_on

_LEFT = "; 10 rows of shop stay on the target alone"
_BACK = "; rows of shop are back on the source, and writers are kept off the target"


def foreseeing() -> RowsStory:
    """Ten rows were written since the change began, as was last looked."""
    story = RowsStory()
    story.foresees()
    return story


def test_traffic_alone_that_went_back_leaves_rows_and_says_how_many() -> None:
    story = foreseeing()
    run = story.finish(story.by_hand.start("orders", 1, "it is bad", "ann").id)
    assert run.status is RunStatus.VERIFIED
    assert run.outcome.endswith(_LEFT)
    assert _LEFT.removeprefix("; ") in story.current.sentence
    verified = [one.event for one in story.found.outbox.values() if one.event.about == run.id][-1]
    assert verified.sentence == run.outcome


def test_rows_that_could_not_go_back_are_counted() -> None:
    story = foreseeing()
    story.fates(SliceFate.DONE, SliceFate.ENDED)
    run = story.tell()
    assert traffic_went_on(story, run)
    assert _LEFT in run.outcome


def test_rows_that_went_back_are_not_said_to_stay() -> None:
    run = foreseeing().tell()
    assert run.status is RunStatus.VERIFIED
    assert "rows of shop" not in run.outcome


def test_nothing_written_is_nothing_said() -> None:
    story = RowsStory()
    story.rows.rows = 0
    story.foresees()
    run = story.finish(story.by_hand.start("orders", 1, "it is bad", "ann").id)
    assert "rows of shop" not in run.outcome


def test_rows_that_are_back_while_people_are_not_are_said_to_be_and_that_nobody_can_write() -> None:
    story = foreseeing()
    story.slots.fate = lambda: Fate(reply=Reply.FORBIDDEN)
    run = story.tell()
    assert (run.status, story.slots.served) == (RunStatus.PARTIAL, "b2")
    assert _BACK in run.outcome
    assert _LEFT not in run.outcome
    assert not story.rows.write(story.database)
