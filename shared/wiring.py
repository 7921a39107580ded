"""The composition root. The only file that sees both engine and adapters; `app.py` imports it on first use."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from shared.adapters.app_configuration import AppConfigurationRouting
from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.azure_errors import translated
from shared.adapters.channels.webhook import WebhookChannel
from shared.adapters.checks.clients import ClientChecker
from shared.adapters.checks.journeys import JourneyChecker, RequestChecker
from shared.adapters.checks.resolves import ResolvesChecker
from shared.adapters.dns_zones import DnsZoneRouting
from shared.adapters.front_door import FrontDoorRouting
from shared.adapters.hook import HookRouting
from shared.adapters.monitor_logs import LogSource
from shared.adapters.monitor_metrics import MetricSource
from shared.adapters.outbound import Outbound
from shared.adapters.policy_files import PolicyFolder, read_policy_folder
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.adapters.queues import QueueDoorbell
from shared.adapters.signing import Ed25519Signer
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.adapters.tables import TableLedger
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.clock import utc_now
from shared.engine.advance import Rollbacks
from shared.engine.by_hand import ByHand
from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.fleet_switch import FleetSwitch
from shared.engine.intake import Intake
from shared.engine.levels import Steps
from shared.engine.notifications import Notifications
from shared.engine.poisoned import Poisoned
from shared.engine.receipts import Receipts
from shared.engine.views import Views
from shared.engine.warm import WarmUp
from shared.engine.watch import Watch
from shared.errors import SettingsError
from shared.model.policy import policy_of
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, JourneyCheck, ResolvesCheck
from shared.ports import Checker, Returns, Routing, SampleSource
from shared.settings import APP_FOLDER, Settings

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport
    from azure.data.tables import TableClient
    from azure.storage.queue import QueueClient


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The use cases, ready to be called."""

    settings: Settings
    policy_problems: tuple[str, ...]
    watch: Watch
    rollbacks: Rollbacks
    warm_up: WarmUp
    notifications: Notifications
    intake: Intake
    by_hand: ByHand
    fleet: Fleet
    fleet_switch: FleetSwitch
    receipts: Receipts
    poisoned: Poisoned
    views: Views
    returns: Returns


def build(chosen: Settings, environment: Mapping[str, str]) -> App:
    """Build an app.

    Args:
        chosen: The app's own settings.
        environment: Where the values of `%NAME%` and the channels' addresses are looked up.
    """
    _quiet_libraries()
    folder = read_policy_folder(APP_FOLDER / chosen.policy_folder, environment)
    channels, channel_problems = _channels(folder, environment)
    signer, key_problems = _signer(chosen)
    policies, problems = folder.policies, folder.problems + channel_problems + key_problems
    ledger, doorbell = TableLedger(_table(chosen)), QueueDoorbell(_queues(chosen))
    jobs = ThreadPoolExecutor(chosen.workers, thread_name_prefix="job")
    prober = HttpProber(ThreadPoolExecutor(2 * chosen.workers, thread_name_prefix="probe"))
    sources: dict[str, SampleSource] = {
        "probe": ProbeSource(prober),
        "metric": MetricSource(chosen.metrics_endpoint, chosen.client_id, chosen.metrics_audience),
        "log": LogSource(chosen.logs_endpoint, chosen.client_id, APP_FOLDER / chosen.kql_folder),
    }
    arm = ArmAccess(chosen.arm_endpoint, chosen.arm_audience, chosen.client_id)
    slots, outbound = AppServiceSlots(arm), Outbound()
    routings = _routings(arm, outbound)
    checkers: dict[type[CheckBase], Checker[Any]] = {
        ClientCheck: ClientChecker(prober),
        GetCheck: RequestChecker(outbound),
        JourneyCheck: JourneyChecker(outbound),
        ResolvesCheck: ResolvesChecker(ThreadPoolExecutor(chosen.workers, thread_name_prefix="resolve")),
    }
    steps = Steps.of_level(slots, routings, checkers, ThreadPoolExecutor(chosen.workers, thread_name_prefix="check"))
    collector, fleet = Collector(sources, jobs), Fleet(ledger, chosen.fleet_budget, utc_now)
    cycles = ThreadPoolExecutor(chosen.workers, thread_name_prefix="cycle")
    return App(
        settings=chosen,
        policy_problems=problems,
        watch=Watch(ledger, doorbell, doorbell, collector, lambda: policies, fleet, utc_now, cycles, problems),
        rollbacks=Rollbacks(ledger, doorbell, steps, partial(policy_of, policies), utc_now, signer),
        warm_up=WarmUp(slots, routings, partial(policy_of, policies)),
        notifications=Notifications(ledger, doorbell, channels, utc_now),
        intake=Intake(ledger, doorbell, lambda: policies, utc_now),
        by_hand=ByHand(ledger, doorbell, lambda: policies, utc_now, signer),
        fleet=fleet,
        fleet_switch=FleetSwitch(ledger, doorbell, lambda: policies, utc_now),
        receipts=Receipts(ledger),
        poisoned=Poisoned(ledger, doorbell, doorbell, lambda: policies, utc_now),
        views=Views(ledger, lambda: policies, utc_now),
        returns=doorbell,
    )


def _routings(arm: ArmAccess, outbound: Outbound) -> dict[str, Routing[Any]]:
    """Return the roads that are states, by their kind."""
    return {
        "slot_traffic": SlotTrafficRouting(arm),
        "traffic_manager": TrafficManagerRouting(arm),
        "front_door": FrontDoorRouting(arm),
        "dns": DnsZoneRouting(arm),
        "app_configuration": AppConfigurationRouting(arm.client_id),
        "hook": HookRouting(outbound, utc_now),
    }


def _quiet_libraries() -> None:
    """A line for every request of ours would cost more to keep than the whole app costs to run."""
    for name in ("httpx", "azure", "azure.core.pipeline.policies.http_logging_policy"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _signer(chosen: Settings) -> tuple[Ed25519Signer | None, tuple[str, ...]]:
    """Return what signs receipts; a key that is of no use is a problem that health tells, and no reason not to act."""
    if chosen.receipt_key is None:
        return None, ()
    try:
        return Ed25519Signer(chosen.receipt_key.get_secret_value()), ()
    except SettingsError as error:
        return None, (f"RECEIPT_KEY: {error}",)


def _channels(
    folder: PolicyFolder, environment: Mapping[str, str]
) -> tuple[dict[str, WebhookChannel], tuple[str, ...]]:
    """Build every channel that a policy names from the setting CHANNEL_<KIND>_<NAME>."""
    channels: dict[str, WebhookChannel] = {}
    problems: list[str] = []
    for name in sorted({to for policy in folder.policies.values() for to in policy.notify.to}):
        setting = "CHANNEL_" + name.replace(":", "_").upper()
        try:
            channels[name] = WebhookChannel(name, environment.get(setting, ""))
        except SettingsError as error:
            problems.append(f"{setting}: {error}")
    return channels, tuple(problems)


def _table(chosen: Settings) -> "TableClient":
    from azure.data.tables import TableServiceClient

    # One repetition bridges a hiccup; more would hold threads while the storage is away, and starve the health routes.
    options: dict[str, Any] = {"transport": _transport(chosen), "retry_total": 1, "retry_backoff_factor": 0.1}
    if chosen.storage_connection:
        service = TableServiceClient.from_connection_string(chosen.storage_connection, **options)
    else:
        endpoint = f"https://{chosen.storage_account}.table.{chosen.storage_suffix}"
        service = TableServiceClient(endpoint, credential=credential(chosen.client_id), **options)
    with translated("opening the table"):
        return service.create_table_if_not_exists(chosen.table)


def _transport(chosen: Settings) -> "RequestsTransport":
    """Return a transport with a connection for every thread; the default keeps ten and throws the others away."""
    from azure.core.pipeline.transport import RequestsTransport
    from requests import Session
    from requests.adapters import HTTPAdapter

    session = Session()
    adapter = HTTPAdapter(pool_maxsize=chosen.workers)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(session=session, session_owner=False, connection_timeout=5, read_timeout=10)


def _queues(chosen: Settings) -> Callable[[str], "QueueClient"]:
    """Return a function that gives the client of a queue by its name."""
    from azure.storage.queue import LinearRetry, QueueServiceClient, TextBase64EncodePolicy

    # A ring that fails is only late: the watch rings again. The SDK's own patience, 80 s, would hold a worker up.
    options: dict[str, Any] = {
        "retry_policy": LinearRetry(backoff=1, retry_total=1),
        "connection_timeout": 3,
        "read_timeout": 5,
    }
    if chosen.storage_connection:
        service = QueueServiceClient.from_connection_string(chosen.storage_connection, **options)
    else:
        endpoint = f"https://{chosen.storage_account}.queue.{chosen.storage_suffix}"
        service = QueueServiceClient(endpoint, credential=credential(chosen.client_id), **options)
    return cache(lambda name: service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy()))
