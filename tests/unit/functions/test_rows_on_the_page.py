"""The page of a question names what becomes of rows, and what people agree to besides, as text."""

from dataclasses import replace

from shared.engine.records import CHECKPOINTS, encode
from shared.model.checkpoint import Checkpoints
from shared.ports import Put
from tests.unit.engine.asked import Asked
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import BEHIND, foreseen


def page(checkpoints: Checkpoints) -> str:
    asked = Asked(policy=data_policy())
    asked.ledger.commit("orders", [Put(CHECKPOINTS, encode(checkpoints))])
    return asked.pages.show(asked.links.token(asked.ask(level=2), "webhook:ops")).html


def test_what_stays_behind_is_named() -> None:
    shown = page(foreseen())
    assert "Rows of shop: 100 rows stay behind, as of 12:00:00 UTC." in shown
    assert f"Agreed to as well: {BEHIND[0]}." in shown


def test_names_of_tables_are_no_part_of_the_page() -> None:
    checkpoints = foreseen()
    one = checkpoints.by_database["shop"]
    assert one.foreseen is not None
    hostile = replace(one, foreseen=replace(one.foreseen, behind=("<script>: gone (1)",)))
    shown = page(Checkpoints(by_database={"shop": hostile}))
    assert "Agreed to as well: &lt;script&gt;: gone (1)." in shown
    assert "<script>" not in shown
