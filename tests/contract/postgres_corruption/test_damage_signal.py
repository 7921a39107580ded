"""The signal as the collector asks for it: a number, or why there is none; a link that is cut is an error."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

import pytest

from local.postgres import NEW, OLD
from local.tcp_proxy import Fault, Proxy, Way
from shared.adapters.data_source import DataSource
from shared.engine.collect import Collector
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.signal import Outcome, Sample
from shared.ports import Want
from tests.contract.postgres.pairs import PASSWORD, Database, Pair, Servers
from tests.contract.postgres_corruption.planted import damage, start
from tests.unit.model.policies import FILE, GOOD, SETTINGS

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_POLICY = (
    GOOD.replace("signals:\n", "signals:\n  damage: {damaged: shop, sample: 100%, timeout: 3s}\n")
    + 'databases: {shop: {source: "%SHOP_SOURCE%", target: "%SHOP_TARGET%", tls: false}}\n'
)


def _policy(source: str, target: str) -> Policy:
    return read_policy(_POLICY, file=FILE, settings=SETTINGS | {"SHOP_SOURCE": source, "SHOP_TARGET": target})


def _dsn(side: Database, port: int | None = None) -> str:
    return f"postgresql://keeper:{PASSWORD}@127.0.0.1:{port or side.cluster.port}/{side.name}"


def _collected(policy: Policy) -> Sample:
    want = Want(policy, "damage", policy.signals["damage"], _AT)
    with ThreadPoolExecutor(1) as pool:
        collecting = Collector({"damaged": DataSource(_no_token)}, pool).begin([want], _AT)
        (collected,) = collecting.of(policy.workload)
    assert (collected.workload, collected.name) == (policy.workload, "damage")
    (sample,) = collected.samples
    return sample


def _no_token() -> str:
    raise AssertionError("the database has a password")


@contextmanager
def _moved(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, a text)")
        pair.run("INSERT INTO items SELECT n, 'a' FROM generate_series(1, 1000) AS n")
        start(pair)
        yield pair


def test_it_counts_damaged_rows(servers: Servers) -> None:
    with _moved(servers) as pair:
        policy = _policy(_dsn(pair.source), _dsn(pair.target))
        clean = _collected(policy)
        assert (clean.at, clean.outcome, clean.value, clean.count) == (_AT, Outcome.MEASURED, 0, 2000)
        damage(pair.target, "UPDATE items SET a = 'b' WHERE id IN (7, 8)")
        found = _collected(policy)
        assert (found.outcome, found.value) == (Outcome.MEASURED, 2)
        assert found.note.startswith("damaged: 2 of public.items, such as (7), (8)")
        damage(pair.target, "UPDATE items SET a = 'a' WHERE id IN (7, 8)")
        assert _collected(policy).value == 0


@pytest.mark.parametrize("cut", ["source", "target"])
def test_a_side_that_does_not_answer_is_an_error(servers: Servers, cut: str) -> None:
    with _moved(servers) as pair, Proxy("127.0.0.1", getattr(pair, cut).cluster.port) as proxy:
        dsn = {"source": _dsn(pair.source), "target": _dsn(pair.target)}
        dsn[cut] = _dsn(getattr(pair, cut), proxy.port)
        policy = _policy(**dsn)
        assert _collected(policy).value == 0
        proxy.cut()
        said = _collected(policy)
        assert (said.outcome, said.value) == (Outcome.ERROR, None)
        assert said.note.startswith(f"{cut} database: ")
        proxy.heal()
        assert _collected(policy).value == 0


@pytest.mark.parametrize(("fault", "after_bytes"), [(Fault.CUT, 600), (Fault.RESET, 9_000), (Fault.CUT, 20_000)])
def test_a_link_that_breaks_in_a_round_is_an_error_and_no_damage(
    servers: Servers, fault: Fault, after_bytes: int
) -> None:
    with _moved(servers) as pair, Proxy("127.0.0.1", pair.target.cluster.port) as proxy:
        policy = _policy(_dsn(pair.source), _dsn(pair.target, proxy.port))
        proxy.strike_after_bytes(fault, after_bytes, Way.TO_CLIENT)
        assert _collected(policy).outcome is Outcome.ERROR
        proxy.heal()
        assert _collected(policy).value == 0


def test_a_link_that_stalls_is_given_up_in_time(servers: Servers) -> None:
    with _moved(servers) as pair, Proxy("127.0.0.1", pair.target.cluster.port) as proxy:
        policy = _policy(_dsn(pair.source), _dsn(pair.target, proxy.port))
        proxy.stall()
        began = monotonic()
        want = Want(policy, "damage", policy.signals["damage"], _AT)
        pool = ThreadPoolExecutor(1)
        (collected,) = Collector({"damaged": DataSource(_no_token)}, pool).begin([want], _AT).of(policy.workload)
        assert collected.samples[0].outcome is Outcome.ERROR
        assert monotonic() - began < 6
        proxy.cut()
        pool.shutdown()


def test_without_a_checkpoint_there_is_no_number(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY)")
        said = _collected(_policy(_dsn(pair.source), _dsn(pair.target)))
        assert (said.outcome, said.value) == (Outcome.NO_DATA, None)
        assert "there is no checkpoint on the target" in said.note
