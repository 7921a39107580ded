"""The composition root. The only file that sees both engine and adapters; `app.py` imports it on first use."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from shared.adapters.app_configuration import AppConfigurationRouting
from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.channels.control import ControlChannel
from shared.adapters.checks.clients import ClientChecker
from shared.adapters.checks.journeys import JourneyChecker, RequestChecker
from shared.adapters.checks.resolves import ResolvesChecker
from shared.adapters.databases import Databases, database_token
from shared.adapters.dns_zones import DnsZoneRouting
from shared.adapters.front_door import FrontDoorRouting
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.adapters.policy_files import read_policy_folder
from shared.adapters.probe import HttpProber
from shared.adapters.queues import QueueDoorbell
from shared.adapters.readiness.hosts import ResolvingHosts
from shared.adapters.readiness.permissions import ArmRoles
from shared.adapters.readiness.slot_keeping import AppServiceSlotKeeping
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.adapters.storage_account import StorageAccount
from shared.adapters.tables import TableLedger
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.analytics.buckets import Retention
from shared.clock import utc_now
from shared.decision.asking import approval_rule
from shared.engine.advance import Runs
from shared.engine.advice_view import AdviceView
from shared.engine.asking import Asking
from shared.engine.asks import Asks
from shared.engine.audit import Audit
from shared.engine.begin_asked import BeginAsked
from shared.engine.by_hand import ByHand
from shared.engine.change_control import ChangeControl
from shared.engine.change_writes import CONTROL_CHANNEL
from shared.engine.checkpoints import CheckpointKeeper
from shared.engine.collect import Collector
from shared.engine.drills import Drills
from shared.engine.fleet import Fleet
from shared.engine.fleet_switch import FleetSwitch
from shared.engine.intake import Intake
from shared.engine.levels import Steps
from shared.engine.metrics_view import MetricsView
from shared.engine.notifications import Notifications
from shared.engine.poisoned import Poisoned
from shared.engine.previews import LookAhead
from shared.engine.promotions import Promotions
from shared.engine.readiness import Readiness
from shared.engine.readiness_survey import Survey
from shared.engine.receipts import Receipts
from shared.engine.requests import Requests
from shared.engine.rollups import RollUps
from shared.engine.rows_readiness import RowsReadiness
from shared.engine.steps.data import SyncRows
from shared.engine.views import Views
from shared.engine.warm import WarmUp
from shared.engine.watch import Watch
from shared.identities import identities
from shared.model.policy import policy_of
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, JourneyCheck, ResolvesCheck
from shared.model.readiness import Answering
from shared.ports import Checker, Returns, Routing
from shared.ports.people import Identities
from shared.settings import APP_FOLDER, Settings
from shared.sources import advisor_of, sources_of
from shared.telling import channels_of, links_of, signer_of, with_links
from shared.web.link_pages import LinkPages

_MOST_REASONS = 5
# Rolling up may take its time: it must not take the processor from those who watch. Nor may whoever asks for advice
# again and again take a database's from its users.
_FEW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The use cases, ready to be called."""

    settings: Settings
    policy_problems: tuple[str, ...]
    watch: Watch
    rollbacks: Runs
    warm_up: WarmUp
    notifications: Notifications
    intake: Intake
    by_hand: ByHand
    fleet: Fleet
    fleet_switch: FleetSwitch
    receipts: Receipts
    poisoned: Poisoned
    views: Views
    metrics: MetricsView
    advice: AdviceView
    roll_ups: RollUps
    returns: Returns
    identities: Identities
    audit: Audit
    control: ChangeControl
    checkpoints: CheckpointKeeper
    look_ahead: LookAhead
    promotions: Promotions
    drills: Drills
    readiness: Readiness
    asks: Asks
    requests: Requests
    link_pages: LinkPages | None


def build(chosen: Settings, environment: Mapping[str, str]) -> App:
    """Build an app.

    Args:
        chosen: The app's own settings.
        environment: Where the values of `%NAME%` and the channels' addresses are looked up.
    """
    _quiet_libraries()
    folder = read_policy_folder(APP_FOLDER / chosen.policy_folder, environment)
    channels, channel_problems = channels_of(folder, environment)
    signer, key_problems = signer_of(chosen)
    callers, identity_problems = identities(chosen)
    links, link_problems = links_of(chosen)
    policies = folder.policies
    problems = folder.problems + channel_problems + key_problems + identity_problems + link_problems
    storage = StorageAccount(
        chosen.storage_connection, chosen.storage_account, chosen.storage_suffix, chosen.client_id, chosen.workers
    )
    ledger, doorbell = TableLedger(storage.table(chosen.table)), QueueDoorbell(storage.queues())
    jobs = ThreadPoolExecutor(chosen.workers, thread_name_prefix="job")
    prober = HttpProber(ThreadPoolExecutor(2 * chosen.workers, thread_name_prefix="probe"))
    token = partial(database_token, chosen.databases_audience, chosen.client_id)
    arm = ArmAccess(chosen.arm_endpoint, chosen.arm_audience, chosen.client_id)
    slots, outbound = AppServiceSlots(arm), Outbound()
    routings = _routings(arm, outbound)
    checkers: dict[type[CheckBase], Checker[Any]] = {
        ClientCheck: ClientChecker(prober),
        GetCheck: RequestChecker(outbound),
        JourneyCheck: JourneyChecker(outbound),
        ResolvesCheck: ResolvesChecker(ThreadPoolExecutor(chosen.workers, thread_name_prefix="resolve")),
    }
    sources = sources_of(chosen, prober, outbound, checkers, token)
    checking = ThreadPoolExecutor(chosen.workers, thread_name_prefix="check")
    databases = Databases(ThreadPoolExecutor(3 * chosen.workers + 4, thread_name_prefix="rows"), token)
    survey = _survey(chosen, arm, slots, routings, RowsReadiness(ledger, databases, utc_now))
    sync = SyncRows(databases, databases, ledger)
    steps = Steps.of_level(slots, routings, checkers, checking, ledger, survey.swap, sync, databases)
    collector, fleet = Collector(sources, jobs), Fleet(ledger, chosen.fleet_budget, utc_now)
    cycles = ThreadPoolExecutor(chosen.workers, thread_name_prefix="cycle")
    control = ChangeControl(ledger, doorbell, lambda: policies, utc_now)
    begin = BeginAsked(ledger, lambda: policies, utc_now, fleet, signer)
    asking = Asking(approval_rule, begin, utc_now)
    asks = Asks(ledger, doorbell, lambda: policies, asking)
    by_hand = ByHand(ledger, doorbell, lambda: policies, utc_now, signer, asking)
    readiness = Readiness(
        ledger=ledger,
        doorbell=doorbell,
        survey=survey,
        policies=lambda: policies,
        fleet=fleet,
        channels=channels.keys(),
        answering=Answering(signed_in=bool(chosen.entra_tenant_id) and not identity_problems, links=links is not None),
        clock=utc_now,
        pool=ThreadPoolExecutor(chosen.workers, thread_name_prefix="ready"),
    )
    looking = ThreadPoolExecutor(chosen.workers, thread_name_prefix="look ahead")
    kept = Retention(hours=timedelta(days=chosen.keep_hours_days), days=timedelta(days=chosen.keep_days_days))
    told = with_links(channels, links, asks) | {
        CONTROL_CHANNEL: ControlChannel(outbound, lambda: policies, control.told, utc_now)
    }
    return App(
        settings=chosen,
        policy_problems=problems,
        watch=Watch(
            ledger,
            doorbell,
            doorbell,
            collector,
            lambda: policies,
            fleet,
            utc_now,
            cycles,
            problems,
            signer,
            asking,
            mail=doorbell,
        ),
        rollbacks=Runs(ledger, doorbell, steps, partial(policy_of, policies), utc_now, signer),
        warm_up=WarmUp(slots, routings, partial(policy_of, policies)),
        notifications=Notifications(ledger, doorbell, told, utc_now),
        intake=Intake(ledger, doorbell, lambda: policies, utc_now),
        by_hand=by_hand,
        fleet=fleet,
        fleet_switch=FleetSwitch(ledger, doorbell, lambda: policies, utc_now),
        receipts=Receipts(ledger),
        poisoned=Poisoned(ledger, doorbell, doorbell, lambda: policies, utc_now),
        views=Views(ledger, lambda: policies, utc_now),
        metrics=MetricsView(ledger, lambda: policies, utc_now, kept),
        advice=AdviceView(
            advisor_of(chosen), lambda: policies, utc_now, ThreadPoolExecutor(_FEW, thread_name_prefix="advice")
        ),
        roll_ups=RollUps(
            ledger,
            lambda: policies,
            utc_now,
            ThreadPoolExecutor(_FEW, thread_name_prefix="roll up"),
            kept,
        ),
        returns=doorbell,
        identities=callers,
        audit=Audit(ledger, utc_now),
        control=control,
        checkpoints=CheckpointKeeper(
            ledger, doorbell, databases, databases, databases, lambda: policies, utc_now, looking, asking
        ),
        look_ahead=LookAhead(
            ledger, databases, lambda: policies, ThreadPoolExecutor(chosen.workers, thread_name_prefix="preview")
        ),
        promotions=Promotions(ledger, doorbell, lambda: policies, utc_now, partial(_unready, readiness)),
        drills=Drills(ledger, doorbell, lambda: policies, utc_now),
        readiness=readiness,
        asks=asks,
        requests=Requests(by_hand, asking, control, lambda: policies),
        link_pages=LinkPages(asks, links, utc_now) if links else None,
    )


def _survey(
    chosen: Settings,
    arm: ArmAccess,
    slots: AppServiceSlots,
    routings: Mapping[str, Routing[Any]],
    rows: RowsReadiness,
) -> Survey:
    """Return what looks at the world for readiness, by threads of its own: a minute's check must not delay a probe.

    Nothing is kept from one minute to the next: what is broken now is named now.
    """
    at_once = timedelta(0)
    return Survey(
        slots,
        routings,
        AppServiceSlotKeeping(arm, utc_now, at_once),
        ArmRoles(arm, utc_now, at_once),
        ResolvingHosts(),
        HttpProber(ThreadPoolExecutor(chosen.workers, thread_name_prefix="ready probe")),
        ThreadPoolExecutor(chosen.workers, thread_name_prefix="survey"),
        rows,
    )


def _unready(readiness: Readiness, workload: str) -> str | None:
    """Return why level 1 of a workload could not take a change back, as far as its last check tells."""
    reasons = readiness.report(workload).why_not(level=1)
    return "; ".join(reasons[:_MOST_REASONS]) or None


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
