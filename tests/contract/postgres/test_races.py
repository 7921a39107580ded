"""Writers that do not stop while a change begins, nor while the fence goes up: what they were told is true."""

from time import sleep

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.sync import Stage
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres.racing import TABLES, all_that_was_told_is_on_the_source, writing
from tests.contract.postgres.ways import back, begin

_WRITERS = 8


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("version", [OLD, NEW])
def test_every_write_that_was_acknowledged_is_on_the_source_afterwards(
    servers: Servers,
    version: str,
    ahead: bool,
) -> None:
    with servers.pair(OLD, version) as pair:
        pair.source.run(*TABLES)
        with writing(pair.target, _WRITERS) as writers:
            sleep(0.5)
            snapshot = begin(pair.source.access, pair.target.access, SyncRules(), "change")[1].snapshot
            sleep(0.5)
            state = back(pair, SyncRules(chunk=100, copy_ahead=ahead))
            assert (state.stage, "ahead" in state.seconds) == (Stage.DONE, ahead)
        all_that_was_told_is_on_the_source(pair, writers, snapshot, logged=2 if ahead else 1)
