"""`LogSource` and what it sends: typed parameters, whole intervals, and no more at once than a workspace takes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any

import httpx
import pytest

from shared.adapters.monitor_logs import LogSource
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_azure_signals import LogSignal
from shared.model.signal import Outcome, Sample
from shared.ports import Want
from tests.contract.azure.conftest import Azure
from tests.contract.azure.played_azure import PlayedAzure

_NOW = datetime(2026, 3, 1, 12, 7, 31, tzinfo=UTC)
_SINCE = datetime(2026, 3, 1, 11, 43, 20, tzinfo=UTC)
_COUNTS = """\
// How many rows.
declare query_parameters(site_name: string, path: string, least: int = 1, step: timespan = 5m);
AppServiceHTTPLogs
| where CsUriStem == path and ComputerName == site_name and ScStatus >= least
| summarize n = count() by at = bin(TimeGenerated, step) + step
| project at, value = todouble(n), ['count'] = n
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kql")
    (folder / "counts.kql").write_text(_COUNTS, encoding="utf-8")
    (folder / "plain.kql").write_text("AppRequests | count", encoding="utf-8")
    return folder


@pytest.fixture
def played(azure: Azure) -> Iterator[PlayedAzure]:
    """The tokens are the simulator's, which `azure` stands for."""
    assert azure
    with PlayedAzure() as played:
        played.answer = lambda _: {"tables": [rows()]}
        yield played


@pytest.fixture
def policy(azure: Azure) -> Policy:
    return azure.policy


def rows(*given: list[Any]) -> dict[str, Any]:
    columns = [{"name": "at", "type": "datetime"}, {"name": "value", "type": "real"}, {"name": "count", "type": "long"}]
    return {"name": "PrimaryResult", "columns": columns, "rows": list(given)}


def collect(
    source: LogSource, policy: Policy, *, now: datetime = _NOW, since: datetime = _SINCE, given: Any = None, **more: Any
) -> list[Sample]:
    written = {"log": "counts.kql", "workspace": "w", "with": given or {"path": "/"}} | more
    (job,) = source.jobs([Want(policy, "rows", LogSignal.model_validate(written), since)])
    return [sample for found in job.run(now) for sample in found.samples]


def test_a_parameter_of_the_policy_reaches_the_query(azure: Azure, policy: Policy, folder: Path) -> None:
    for path in ("/a", "/a", '/b"c'):
        httpx.get(policy.site.url + path)
    source, now = LogSource(azure.simulator.url, None, folder), datetime.now(UTC) + timedelta(minutes=6)
    workspace = policy.signals["user_p95"].model_dump()["workspace"]
    for path, least, found in (("/a", 200, 2), ('/b"c', 1, 1), ("/a", 600, None), ('" or true or "', 1, None)):
        given = {"path": path, "least": least}
        asked: dict[str, Any] = {"now": now, "since": now - timedelta(hours=1), "workspace": workspace, "with": given}
        (sample,) = collect(source, policy, **asked)
        assert (sample.outcome is Outcome.MEASURED, sample.value) == (found is not None, found)


def test_what_is_sent_has_values_in_place_of_the_declaration(played: PlayedAzure, policy: Policy, folder: Path) -> None:
    collect(LogSource(played.url, None, folder), policy, given={"path": '/x" | union *', "step": "15m"})
    sent = played.asked[-1]["query"]
    assert "query_parameters" not in sent
    for statement in ('site_name = "demo"', r'path = "/x\" | union *"', "least = int(1)", "step = 900s"):
        assert f"let {statement};\n" in sent


@pytest.mark.parametrize(
    ("given", "begun"),
    [({}, "11:40:00"), ({"step": "1m"}, "11:43:00"), ({"step": "1h"}, "11:00:00"), ({"step": "1d"}, "00:00:00")],
)
def test_it_asks_from_where_an_interval_begins(
    played: PlayedAzure, policy: Policy, folder: Path, given: dict[str, str], begun: str
) -> None:
    """The rest of an interval must not come to stand for the whole of it."""
    collect(LogSource(played.url, None, folder), policy, given={"path": "/", **given})
    assert played.asked[-1]["timespan"].startswith(f"2026-03-01T{begun}")


def test_an_interval_that_is_not_over_is_no_sample(played: PlayedAzure, policy: Policy, folder: Path) -> None:
    played.answer = lambda _: {"tables": [rows(["2026-03-01T12:05:00Z", 4.0, 4], ["2026-03-01T12:10:00Z", 1.0, 1])]}
    (sample,) = collect(LogSource(played.url, None, folder), policy)
    assert (sample.at, sample.value) == (datetime(2026, 3, 1, 12, 5, tzinfo=UTC), 4.0)
    played.answer = lambda _: {"tables": [rows(["2026-03-01T12:10:00Z", 1.0, 1])]}
    (sample,) = collect(LogSource(played.url, None, folder), policy)
    assert sample.outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"with": {}}, r"parameter path has no value; expected `with: \{path: ...\}`$"),
        ({"with": {"path": "/", "most": 3}}, "it takes no parameter 'most'; it declares site_name, path, least, step$"),
        ({"with": {"path": "/", "least": "many"}}, "parameter least must be of type int: 'many' is no whole number"),
        ({"with": {"path": "/", "step": "5"}}, "parameter step must be of type timespan: '5' is not a duration"),
        ({"log": "plain.kql", "with": {"path": "/"}}, "it takes no parameter 'path'; it declares nothing$"),
    ],
)
def test_what_does_not_fit_the_file_is_a_permanent_error_and_nothing_is_sent(
    played: PlayedAzure, policy: Policy, folder: Path, changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(PermanentError, match=rf"^log query {changed.get('log', 'counts.kql')}: {sentence}"):
        collect(LogSource(played.url, None, folder), policy, **changed)
    assert played.asked == []


class Crowded(PlayedAzure):
    """Answers nobody before `crowd` have asked at once, and then leaves one more the time to come as well."""

    def __init__(self, crowd: int) -> None:
        super().__init__()
        self._crowd, self._came, self._inside, self.most = crowd, Condition(), 0, 0
        self.answer = self._wait

    def _wait(self, _: Any) -> Any:
        with self._came:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._came.notify_all()
            self._came.wait_for(lambda: self.most >= self._crowd, timeout=10)
            self._came.wait(0.05)
            self._inside -= 1
        return {"tables": [rows(["2026-03-01T12:05:00Z", 4.0, 4])]}


@pytest.mark.parametrize(("workspaces", "at_once"), [("w", 5), ("wv", 10)])
def test_each_workspace_is_asked_five_questions_at_once(
    azure: Azure, policy: Policy, folder: Path, workspaces: str, at_once: int
) -> None:
    assert azure
    with Crowded(at_once) as crowded, ThreadPoolExecutor(20) as pool:
        source = LogSource(crowded.url, None, folder)
        asked = [pool.submit(collect, source, policy, workspace=name) for name in workspaces for _ in range(8)]
        assert [one.result()[0].value for one in asked] == [4.0] * len(asked)
        assert crowded.most == at_once


def test_a_query_without_a_turn_in_time_says_so_and_is_not_sent(
    played: PlayedAzure, policy: Policy, folder: Path
) -> None:
    source = LogSource(played.url, None, folder)
    with ExitStack() as under_way:
        for _ in range(5):
            under_way.enter_context(source._turnstiles["w"].turn(timedelta(seconds=1)))
        with pytest.raises(TransientError, match=r"^queries of workspace w: no turn within 1s$"):
            collect(source, policy, timeout="1s")
    assert played.asked == []


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 504])
def test_a_refusal_is_an_error_whatever_its_status(azure: Azure, policy: Policy, folder: Path, status: int) -> None:
    azure.fault("logs", "status", status=status)
    with pytest.raises(ControllerError, match=f"{status} InjectedFault"):
        collect(LogSource(azure.simulator.url, None, folder), policy)
