"""Where samples come from: the adapter of each kind of signal; and rows on which advice is given."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from shared.adapters.azure_clients import ArmAccess
from shared.adapters.azure_sql import AzureSqlAdvisor, AzureSqlSource
from shared.adapters.cost_management import CostSource
from shared.adapters.data_source import DataSource
from shared.adapters.monitor_logs import LogSource
from shared.adapters.monitor_metrics import MetricSource
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.adapters.prometheus import PrometheusSource
from shared.adapters.resource_health import ResourceHealthSource
from shared.adapters.smoke_source import SmokeSource
from shared.adapters.tokens import token_for
from shared.model.policy_verify import CheckBase
from shared.ports import Advisor, Checker, SampleSource
from shared.settings import APP_FOLDER, Settings


def sources_of(
    chosen: Settings,
    prober: HttpProber,
    outbound: Outbound,
    checkers: Mapping[type[CheckBase], Checker[Any]],
    token: Callable[[], str],
) -> dict[str, SampleSource]:
    """Return where samples come from, by the kind of their signals."""
    prometheus = partial(token_for, "Prometheus", chosen.prometheus_audience, chosen.client_id)
    arm = ArmAccess(chosen.arm_endpoint, chosen.arm_audience, chosen.client_id)
    return {
        "probe": ProbeSource(prober, outbound),
        "metric": MetricSource(chosen.metrics_endpoint, chosen.client_id, chosen.metrics_audience),
        "log": LogSource(chosen.logs_endpoint, chosen.client_id, APP_FOLDER / chosen.kql_folder),
        "damaged": DataSource(token),
        "promql": PrometheusSource(outbound, APP_FOLDER / chosen.promql_folder, prometheus),
        "smoke": SmokeSource(checkers, ThreadPoolExecutor(chosen.workers, thread_name_prefix="smoke")),
        "sql": AzureSqlSource(_sql_token(chosen)),
        "cost": CostSource(arm),
        "resource_health": ResourceHealthSource(arm),
    }


def advisor_of(chosen: Settings) -> Advisor:
    """Return what databases of signals of kind `sql` are asked by for advice."""
    return AzureSqlAdvisor(_sql_token(chosen))


def _sql_token(chosen: Settings) -> Callable[[], str]:
    return partial(token_for, "Azure SQL", chosen.sql_audience, chosen.client_id)
