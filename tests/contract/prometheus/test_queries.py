"""Every query in infra/promql on a real Prometheus that scrapes the demo site: what happens there is sampled."""

import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from local.demo_site.shop import PASSWORD
from shared.errors import PermanentError
from shared.model.signal import Outcome, Sample
from tests.contract.prometheus.conftest import QUERIES, ScrapedSite, ask, parameters, querying

WINDOW = "4s"
_WITHIN_S = 20.0


def newest(site: ScrapedSite, file: str, unit: str = "number", *, window: bool = True) -> Sample:
    given = parameters(window=WINDOW) if window else parameters()
    found = ask(querying(site.prometheus.url, f"promql: {file}, with: {{{given}}}, unit: {unit}"))
    return found[-1]


def until(read: Callable[[], Sample], fits: Callable[[float], bool], do: Callable[[], object]) -> float:
    """Do something again and again until a newest sample fits."""
    ends_at = monotonic() + _WITHIN_S
    while True:
        do()
        sample = read()
        if sample.value is not None and fits(sample.value):
            return sample.value
        assert monotonic() < ends_at, f"the newest sample is {sample}"
        sleep(0.2)


def test_the_share_of_server_errors_is_what_the_site_answered(site: ScrapedSite) -> None:
    def read() -> Sample:
        return newest(site, "server_error_share.promql", "share")

    assert until(read, lambda value: value == 0, lambda: site.visit(5)) == 0
    site.break_with(fail_share=1.0, only=["/broken"])

    def visit_both() -> None:
        site.visit(5)
        site.visit(5, "/broken")

    until(read, lambda value: 0.4 < value < 0.6, visit_both)
    until(read, lambda value: value == 1, lambda: site.visit(5, "/broken"))


def test_without_requests_there_is_no_share(site: ScrapedSite) -> None:
    site.visit(3)
    ends_at = monotonic() + _WITHIN_S
    while newest(site, "server_error_share.promql", "share").outcome is not Outcome.NO_DATA:
        assert monotonic() < ends_at
        sleep(0.2)


def test_p95_is_a_latency_in_the_unit_that_the_policy_gives(site: ScrapedSite) -> None:
    def read() -> Sample:
        return newest(site, "p95.promql", "s")

    until(read, lambda value: 0 < value < 100, lambda: site.visit(5))
    site.break_with(delay_ms=300)
    until(read, lambda value: 250 < value <= 500, lambda: site.visit(2))


def test_sync_lag_is_what_the_site_says(site: ScrapedSite) -> None:
    site.break_with(sync_lag_s=310.0)
    lag = until(lambda: newest(site, "sync_lag.promql", window=False), lambda value: value > 0, lambda: site.visit(1))
    assert lag == 310.0


def _log_in(site: ScrapedSite, password: str) -> None:
    site.visit(3, "/login", "POST", json={"user": "ada", "password": password})


@pytest.mark.parametrize(
    ("file", "good", "bad", "faults"),
    [
        ("database_connection_success.promql", ScrapedSite.visit, ScrapedSite.visit, {"database": "down"}),
        ("auth_success.promql", _log_in, _log_in, {}),
        ("ai_query_success.promql", ScrapedSite.visit, ScrapedSite.visit, {"fail_share": 1.0, "only": ["/ask"]}),
    ],
)
def test_a_share_of_success_falls_from_all_to_nothing(
    site: ScrapedSite,
    file: str,
    good: Callable[..., None],
    bad: Callable[..., None],
    faults: dict[str, object],
) -> None:
    arguments = {"auth_success.promql": (PASSWORD,), "ai_query_success.promql": (3, "/ask", "POST")}.get(file, (3,))

    def read() -> Sample:
        return newest(site, file, "share")

    until(read, lambda value: value == 1, lambda: good(site, *arguments))
    site.break_with(**faults)
    refused = ("wrong",) if file == "auth_success.promql" else arguments
    until(read, lambda value: value == 0, lambda: bad(site, *refused))


def test_a_share_stands_on_the_requests_of_its_time(site: ScrapedSite) -> None:
    given = parameters(window=WINDOW)
    written = f"promql: server_error_share.promql, stands_on: requests.promql, with: {{{given}}}, unit: share"
    ends_at = monotonic() + _WITHIN_S
    while (sample := ask(querying(site.prometheus.url, written))[-1]).count < 20:
        site.visit(10)
        assert monotonic() < ends_at, sample
    assert sample.outcome is Outcome.MEASURED


def test_a_job_that_nobody_scrapes_is_no_data(site: ScrapedSite) -> None:
    written = "promql: server_error_share.promql, with: {job: nobody, window: 4s}, unit: share"
    found = ask(querying(site.prometheus.url, written))
    assert {sample.outcome for sample in found} == {Outcome.NO_DATA}


def test_what_is_given_for_a_text_stays_text(site: ScrapedSite) -> None:
    written = """promql: sync_lag.promql, with: {job: 'site"} or vector(1) or x{a="'}"""
    found = ask(querying(site.prometheus.url, written))
    assert {sample.outcome for sample in found} == {Outcome.NO_DATA}


def test_what_was_asked_before_falls_on_the_same_instants(site: ScrapedSite) -> None:
    chosen = querying(site.prometheus.url, f"promql: sync_lag.promql, with: {{{parameters()}}}")
    first, second = ask(chosen), ask(chosen)
    assert len({sample.at for sample in first} | {sample.at for sample in second}) <= len(first) + 2
    assert all(sample.at.microsecond == 0 for sample in first)


def test_several_series_are_refused_with_the_labels_by_which_they_differ(site: ScrapedSite, tmp_path: Path) -> None:
    site.visit(1)
    (tmp_path / "all.promql").write_text("# parameters: job text\nhttp_request_duration_seconds_bucket{job=$job}")
    chosen = querying(site.prometheus.url, f"promql: all.promql, with: {{{parameters()}}}")
    with pytest.raises(
        PermanentError, match=r"^query all.promql answers \d+ series, which differ in le; expected one$"
    ):
        ask(chosen, folder=tmp_path)


def test_a_query_that_prometheus_refuses_names_the_kind_and_quotes_nothing(site: ScrapedSite, tmp_path: Path) -> None:
    (tmp_path / "odd.promql").write_text("sum(secret_word")
    with pytest.raises(PermanentError) as caught:
        ask(querying(site.prometheus.url, "promql: odd.promql"), folder=tmp_path)
    assert str(caught.value) == "query odd.promql, bad_data: answered 400"


def test_every_query_is_tried_here() -> None:
    said = re.findall(r"(\w+\.promql)", Path(__file__).read_text(encoding="utf-8"))
    assert {file.name for file in QUERIES.glob("*.promql")} <= set(said)
