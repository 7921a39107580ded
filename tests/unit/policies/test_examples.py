"""All worked examples: they load, each trigger of theirs is in a table, and what nobody sees takes nothing back."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.prometheus_query import query_of
from shared.decision.cycle import Known, News, next_cycle
from shared.model.decision import Action
from shared.model.kql import with_values
from shared.model.policy_azure_signals import LogSignal
from shared.model.policy_outside_signals import PromqlSignal
from shared.model.signal import failed, no_data
from shared.model.trigger import Verdict
from shared.model.watch import WatchState
from shared.policy import AnySettings, check
from tests.fakes.clock import NOON
from tests.unit.policies import (
    test_hybrid_rollout,
    test_pantry_migration,
    test_pantry_production,
    test_platform_neutrality,
    test_wix_platform,
)
from tests.unit.policies.play import CHANGE, FOLDER, GOOD, Row, example

TABLES: dict[str, list[Row]] = {
    module.POLICY: module.ROWS
    for module in (
        test_hybrid_rollout,
        test_pantry_migration,
        test_pantry_production,
        test_platform_neutrality,
        test_wix_platform,
    )
}
INFRA = Path(__file__).parents[3] / "infra"
# What the app knows by itself of every workload.
_KNOWN = {"site_id": "/subscriptions/0/any", "site_name": "any"}


def test_they_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(FOLDER.glob("*.yaml"))
    assert check(files, AnySettings()) == 0, capsys.readouterr().out
    assert {file.stem for file in files} == {*TABLES, "demo"}


@pytest.mark.parametrize("name", TABLES)
def test_every_trigger_is_in_the_table(name: str) -> None:
    assert {rule.name for rule in example(name).rules} == {row.trigger for row in TABLES[name]}


@pytest.mark.parametrize("name", TABLES)
def test_every_query_is_there_and_takes_the_values_that_it_is_given(name: str) -> None:
    for signal in example(name).signals.values():
        if isinstance(signal, LogSignal):
            with_values((INFRA / "kql" / signal.log).read_text(encoding="utf-8"), signal.values, _KNOWN)
        if isinstance(signal, PromqlSignal):
            files = [signal.promql, signal.stands_on] if signal.stands_on else [signal.promql]
            assert all(query_of(INFRA / "promql", file, signal.values) for file in files)


@pytest.mark.parametrize("silence", [failed, no_data])
@pytest.mark.parametrize("name", TABLES)
def test_a_monitoring_outage_is_blind_and_nothing_follows(name: str, silence: type) -> None:
    policy = example(name)
    known = Known(state=WatchState(), known_good=GOOD, change=CHANGE, swaps_only=policy.swaps_only)
    last = max(8 * signal.every for signal in policy.signals.values())
    samples = {
        name: tuple(silence(NOON + number * signal.every, "nobody answers") for number in range(1, 9))
        for name, signal in policy.signals.items()
    }
    for passed in (timedelta(minutes=1), timedelta(hours=1), last):
        cycle = next_cycle(policy, known, News(samples=samples), NOON + passed)
        assert (cycle.decision.action, cycle.decision.verdict) == (Action.CONTINUE, Verdict.BLIND)
        assert not cycle.decision.level


def test_the_page_quotes_the_policies_as_they_are() -> None:
    page = (INFRA.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    sections = page.split("\n## `")[1:]
    assert {section.split("`")[0] for section in sections} == set(TABLES)
    for section in sections:
        policy = (FOLDER / f"{section.split('`')[0]}.yaml").read_text(encoding="utf-8")
        quoted = [line.strip() for line in section.splitlines() if line.startswith("    ")]
        assert quoted
        assert [line for line in quoted if line not in policy] == []


def test_the_page_tells_of_the_night_in_the_words_of_the_product() -> None:
    page = " ".join((INFRA.parent / "docs" / "examples.md").read_text(encoding="utf-8").split())
    told = [sentence for sentence in page.split('"')[1::2] if "(min" in sentence]
    assert len(told) == 5
    assert set(told) <= {row.says for rows in TABLES.values() for row in rows}
