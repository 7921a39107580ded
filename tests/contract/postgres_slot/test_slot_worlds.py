"""In random worlds, whatever differs from the checkpoint is in the log that a slot filled, or marked as a whole."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from tests.contract.postgres.laws import AS_TEXT, image
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres.random_world import World, random_world
from tests.contract.postgres.worlds import RandomTable
from tests.contract.postgres.writers import drive
from tests.contract.postgres_slot.slots import Slotted, slotted

_WORLDS = 4


@pytest.mark.timeout(300)
@settings(max_examples=_WORLDS, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_whatever_was_changed_since_the_checkpoint_is_in_the_log(servers: Servers, seed: int) -> None:
    with random_world(servers, seed) as world, slotted(world.pair.target) as slot:
        target = world.whole("target")
        before = [image(target, of, {}) for of in world.tables]
        drive(world.random, world.lanes("target", 3), world.script, 60)
        slot.drain()
        for of, was in zip(world.tables, before, strict=True):
            now = image(target, of, {})
            changed = {key for key in was.rows.keys() | now.rows.keys() if was.rows.get(key) != now.rows.get(key)}
            _is_logged(world, slot, target, of, changed)


def _is_logged(world: World, slot: Slotted, target: Connection[Any], of: RandomTable, changed: set[Any]) -> None:
    name = f"{of.schema}.{of.name}"
    if not slot.is_whole(name):
        assert not of.primary
        assert any(str(one) == name for one in slot.left_out)
        return
    if slot.is_emptied(name):
        return
    target.execute(AS_TEXT)
    keys = ", ".join(f'"{key.name}"::text' for key in of.key)
    logged = target.execute(
        f"SELECT {keys} FROM rollback_controller.log_{slot.tables[name].oid}"  # noqa: S608  # names of this test
        " WHERE NOT pg_visible_in_snapshot(rollback_xid, %s::pg_snapshot)",
        [slot.snapshot],
    ).fetchall()
    assert changed - set(logged) == set(), (world.seed, name)
