"""What the app shows of a change or a rollback is what the command takes; and it begins nothing twice for that."""

import pytest

from shared.model.checkpoint import held_as
from tests.contract.postgres_command.commands import Shop
from tests.contract.postgres_ports.moved import rows_of

_CHANGE, _RUN = "orders.change.20261121T183000000000", "orders.20261121T184500123456"
_LOOK_ALL = "SELECT 'c', id FROM rollback_controller.checkpoint UNION SELECT 's', sync FROM rollback_controller.note"


@pytest.fixture
def stopped(shop: Shop) -> Shop:
    """One of which the app has taken a checkpoint, and has gone back until a rule did not hold."""
    shop.write('rules: {enough: {query: "SELECT count(*) FROM items", expect: "22"}}')
    moved = shop.moved
    moved.checkpoints.begin(moved.policy(), held_as(_CHANGE, "shop"))
    shop.on_target("UPDATE items SET a = 'changed' WHERE id <= 3")
    shop.run("resume", "--sync", held_as(_RUN, "shop"))
    shop.write()
    return shop


@pytest.mark.parametrize("called", [_RUN, held_as(_RUN, "shop")])
def test_one_of_the_app_goes_on_by_the_id_that_it_shows_or_the_whole_one(stopped: Shop, called: str) -> None:
    status = stopped.run("status")
    assert f"checkpoint {_CHANGE}: " in status.out
    assert f"way back {_RUN}: " in status.out
    assert ":shop" not in status.out
    change = _CHANGE if called == _RUN else held_as(_CHANGE, "shop")
    assert stopped.run("preview", "--checkpoint", change).status == 0
    assert stopped.run("resume", "--sync", called, "--checkpoint", change).status == 0
    assert stopped.moved.look(held_as(_RUN, "shop")).proved
    assert stopped.run("conflicts", "--sync", called).status == 0
    assert stopped.run("release").status == 0
    assert stopped.run("undo", "--sync", called).last.startswith(f"the way back {_RUN} was taken back: ")
    kept = rows_of(stopped.moved.pair.source, _LOOK_ALL)
    assert sorted(kept) == [("c", held_as(_CHANGE, "shop")), ("s", held_as(_RUN, "shop"))]


def test_a_checkpoint_by_hand_is_the_one_that_the_app_looks_for(shop: Shop) -> None:
    assert shop.run("checkpoint", "--id", _CHANGE).last.startswith(f"the checkpoint {_CHANGE} of shop is of ")
    assert not shop.moved.checkpoints.watch(shop.moved.policy(), held_as(_CHANGE, "shop")).gone
    ended = shop.run("end", "--json").json
    assert ended["shown"] == {"ended": [_CHANGE]}
    assert shop.moved.checkpoints.watch(shop.moved.policy(), held_as(_CHANGE, "shop")).gone


def test_those_of_a_name_that_the_database_has_no_more_are_said_whole(shop: Shop) -> None:
    shop.moved.checkpoints.begin(shop.moved.policy(), "c1:store")
    assert "checkpoint c1:store: " in shop.run("status").out
    assert shop.run("preview", "--checkpoint", "c1").status == 1
    assert shop.run("preview", "--checkpoint", "c1:store").status == 0
    assert shop.run("resume", "--sync", "s1").status == 0
    assert shop.run("undo", "--sync", "s1:store").said.startswith("the way back s1:store is not on the source")
