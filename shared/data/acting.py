"""The commands of `shared.data` that change something. Each may be stopped at any point, and run again."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from shared.adapters.postgres.server.fence import fenced_tables
from shared.adapters.postgres.undo.slices import Undo, UndoStage, UndoState
from shared.adapters.postgres.way_back.listing import checkpoints_on, syncs_on
from shared.adapters.postgres.way_back.state import Stage, State, stored_state
from shared.data.desk import Answer, Desk, Exit, Telling, patiently, telling
from shared.data.looking import foresee, limitation, newest, preview_lines
from shared.errors import ControllerError, NotFound, PermanentError, Refused
from shared.model.policy_data import Fencing
from shared.model.quantity import say_moment
from shared.ports.data import RowsPicture

_LOOK = timedelta(seconds=30)
_LOOK_EVERY_S = 1.0
_UNDO_SLICE_S = 2.0
_KEPT_OUT = "the target takes no writes; `release` lets writers in again, once that is where they belong"


def checkpoint(desk: Desk, checkpoint_id: str) -> Answer:
    """Take a checkpoint, as the app does when a change begins."""
    with telling() as to:
        to.at("capture is installed, and the rows of both sides are summed")
        begun = patiently(lambda: desk.checkpoints.begin(desk.database, checkpoint_id), to)
    lines = [f"{one.severity}: {one}" for one in begun.findings]
    if begun.taken_at is None:
        return Answer(Exit.NOT_DONE, f"no checkpoint of {desk.name}: nothing was changed", lines, asdict(begun))
    said = f"the checkpoint {desk.called(checkpoint_id)} of {desk.name} is of {say_moment(begun.taken_at)}"
    return Answer(Exit.DONE, said, lines, asdict(begun))


def resume(desk: Desk, sync: str, checkpoint_id: str | None, agreed: Sequence[str]) -> Answer:
    """Do a way back, or go on with one, until it is proved or stops."""
    state = _state(desk, sync)
    if state is not None and state.stage is Stage.UNDONE:
        raise Refused(f"the way back {desk.called(sync)} was taken back: under another name it begins anew")
    picture = desk.rows.look(desk.database, sync)
    if picture.proved:
        return _proved(picture)
    chosen = (state.checkpoint if state else "") or checkpoint_id or newest(desk)
    foreseen = foresee(desk, chosen)
    limited = None if picture.fenced else limitation(desk, foreseen, agreed)  # behind the fence no loss has come about
    if limited is not None:
        return Answer(*limited, list(preview_lines(desk, foreseen)), {"digest": foreseen.digest, "lost": foreseen.lost})
    desk.confirm([*preview_lines(desk, foreseen), str(foreseen), *_what_it_means(desk, sync, begun=picture.begun)])
    with telling() as to:
        return _work(desk, sync, chosen, foreseen.left_out, to)


def _what_it_means(desk: Desk, sync: str, *, begun: bool) -> Iterator[str]:
    called = desk.called(sync)
    yield f"the way back {called} goes on" if begun else f"there is no way back {called} yet: it begins"
    if desk.database.fence is Fencing.HOOK:
        yield "the hook must keep writers off the target by now, and the app must not be doing this by itself"
    else:
        when = "when what can go ahead of the fence has gone" if desk.database.sync_rules.copy_ahead else "from now on"
        yield f"the target takes no writes {when}, and the app must not be doing this by itself"


def _work(desk: Desk, sync: str, checkpoint_id: str, left_out: Collection[str], to: Telling) -> Answer:
    """Do slice after slice; each may be done twice."""

    def one_slice() -> RowsPicture:
        desk.rows.work(desk.database, checkpoint_id, sync, lambda: None, left_out)
        return desk.rows.look(desk.database, sync)

    with ThreadPoolExecutor(1) as pool:
        while True:
            try:
                picture = patiently(lambda: _watched(desk, sync, pool, one_slice, to), to)
            except PermanentError as error:
                return _stopped(desk, sync, str(error))
            except KeyboardInterrupt:
                to.say("it stops after what is being done now")
                raise
            if picture.proved:
                return _proved(picture)
            to.at(picture.says)


def _watched[T](desk: Desk, sync: str, pool: ThreadPoolExecutor, does: Callable[[], T], to: Telling) -> T:
    """Do it, and tell meanwhile how far it is."""
    task = pool.submit(does)
    while not wait([task], timeout=_LOOK_EVERY_S).done:
        try:
            to.at(desk.rows.look(desk.database, sync).says)
        except ControllerError as error:  # what is at work will say so itself, if it matters
            to.at(str(error))
    return task.result()


def _proved(picture: RowsPicture) -> Answer:
    lines = [*_evidence(picture.shown), *([_KEPT_OUT] if picture.fenced else [])]
    return Answer(Exit.DONE, f"all rows are back: {picture.says}", lines, picture.shown)


def _evidence(shown: Mapping[str, Any]) -> Iterator[str]:
    for name, one in shown["tables"].items():
        did = f"{one['inserted']:,} inserted, {one['updated']:,} updated, {one['deleted']:,} deleted"
        proof = f"; {one['rows_source']:,} rows, sum {one['digest']}" if "digest" in one else ""
        yield f"{name}: {did}{proof}"
    for name, one in shown["conflicts"].items():
        yield f"{name}: {one['rows']:,} rows were changed on both sides; `conflicts` lists them"
    for name, why in shown["conflicts_not_seen"].items():
        yield f"{name}: nobody knows whether its rows were changed on both sides: {why}"
    for name, last in shown["sequences"].items():
        yield f"sequence {name}: at {last}"
    for name, got in shown["rules"].items():
        yield f"rule {name}: {got}"
    yield f"{shown['foreign_keys']} foreign keys hold; writers were waited for {shown['fence_s']:.1f} s"


def _stopped(desk: Desk, sync: str, why: str) -> Answer:
    """Nothing is lost, but repeating it alone will not help."""
    try:
        picture = desk.rows.look(desk.database, sync)
    except ControllerError as error:
        return Answer(Exit.PEOPLE, f"{why}; how it stands cannot be looked at: {error}")
    lines = [f"then go on with: {desk.again}", *([_KEPT_OUT] if picture.fenced else [])]
    return Answer(Exit.PEOPLE if picture.begun else Exit.NOT_DONE, why, lines, picture.shown)


def release(desk: Desk) -> Answer:
    """Let writers in again on the target; the source is not asked, it may be down."""
    with desk.target.connected(statement=_LOOK) as there:
        fenced = [str(name) for name in sorted(fenced_tables(there))]
    if not fenced:
        return Answer(
            Exit.DONE, f"the target of {desk.name} takes writes: there is no fence of ours", (), {"fence": []}
        )
    desk.confirm(
        (
            f"writers are let in again on the target: {', '.join(fenced)}",
            "what they write there is not on the source; a way back that was proved is not, any more",
            "nothing that was captured is thrown away: `resume` goes on from the fence",
        )
    )
    with telling() as to:
        patiently(lambda: desk.rows.let_go(desk.database, desk.rows.fenced_by(desk.database), lambda: None), to)
    return Answer(Exit.DONE, f"the target of {desk.name} takes writes again", (), {"fence": [], "was": fenced})


def undo(desk: Desk, sync: str, *, overwrite: bool) -> Answer:
    """Take a way back itself back."""
    named = f"the way back {desk.called(sync)}"
    if _state(desk, sync) is None:
        raise NotFound(f"{named} is not on the source: `status` lists those that are")
    desk.confirm(
        (
            f"every row of the source that {named} touched becomes what it was before; sequences stay",
            "rows that others have changed since are overwritten, and what they hold is lost"
            if overwrite
            else "if others have changed such a row since, nothing is done",
            "the app must not be doing this way back, nor people be served from the source",
        )
    )
    doing = Undo(sync, desk.source, desk.database.sync_rules, overwrite=overwrite)
    with telling() as to:
        state = UndoState()
        while state.stage is not UndoStage.DONE:
            state = patiently(lambda: doing.work(_UNDO_SLICE_S), to)
            to.at(f"{state.stage}: {state.left:,} chunks left")
    lines = [f"overwritten: {name}: {what}" for name, what in state.overwritten.items()]
    return Answer(Exit.DONE, f"{named} was taken back: {state.said}", lines, state)


def end(desk: Desk) -> Answer:
    """Capture no more on either side."""
    with desk.source.connected(statement=_LOOK) as here, desk.target.connected(statement=_LOOK) as there:
        taken = sorted({one.id for side in (here, there) for one in checkpoints_on(side)})
        fenced = fenced_tables(there)
        syncs = [desk.called(one.id) for one in syncs_on(here)]
    named = [desk.called(one) for one in taken]
    gone = f"the checkpoints {', '.join(named)} are" if taken else "what is left of capture is"
    desk.confirm(
        (
            f"{gone} forgotten on both sides: what is on the target alone can not go back any more",
            *(
                [f"what the ways back {', '.join(syncs)} have overwritten is kept until its time is over"]
                if syncs
                else []
            ),
        )
    )
    with telling() as to:
        for one in taken or [""]:
            patiently(lambda one=one: desk.checkpoints.end(desk.database, one), to)  # type: ignore[misc]
    lines = [f"the fence stays: {_KEPT_OUT}"] if fenced else []
    return Answer(Exit.DONE, f"nothing of {desk.name} is captured any more", lines, {"ended": named})


def _state(desk: Desk, sync: str) -> State | None:
    with desk.source.connected(statement=_LOOK) as here:
        return stored_state(here, sync)
