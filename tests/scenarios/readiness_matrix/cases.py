"""The ways to break readiness: what somebody does, which finding must name it, and how it is put right again."""

from datetime import timedelta

from shared.adapters.readiness.permissions import ROLES_KEPT
from shared.adapters.readiness.slot_keeping import STICKY_KEPT
from shared.engine.fleet import FLEET, PAUSE
from shared.engine.records import ACTIVE, KNOWN_GOOD, LAST, QUARANTINE, STARTS, Active
from shared.model.change import KnownGood
from shared.model.fleet import Starts
from shared.model.readiness import Answering
from shared.ports import Delete
from tests.contract.roads import app_configuration_world, hook_world
from tests.scenarios.readiness_matrix.deeds import (
    RUN_ID,
    TO_PRODUCTION,
    Way,
    both,
    denies,
    deploys,
    drops,
    ended_just_now,
    ends_the_swap,
    has,
    keeps,
    leads_www_to,
    leaves_a_swap,
    lifts,
    makes_sticky,
    makes_the_slot,
    pauses,
    quarantine,
    sets,
    strikes,
    writes,
)
from tests.scenarios.readiness_matrix.world import GROUP, SITE, SLOT, WORKLOAD

_SWAP = "Microsoft.Web/sites/slots/slotsswap/action"
_WRITE_FLAGS = "Microsoft.AppConfiguration/configurationStores/keyValues/write"
_READ_ROLES = "Microsoft.Authorization/permissions/read"
_UNRESOLVED = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/key)"
_EVERYBODY = Answering(signed_in=True, links=True)

_WAYS_OF_SLOTS = [
    Way(name="slot overwritten", finding="slot", road="slot_swap", do=deploys(SLOT, "b9"), undo=deploys(SLOT, "b1")),
    Way(
        name="slot gone",
        finding="slot",
        road="slot_swap",
        do=lambda world: world.control("DELETE", f"/sites/{SITE}/slots/{SLOT}"),
        undo=makes_the_slot,
    ),
    Way(
        name="slot answers another build than its setting says",
        finding="answers",
        road="slot_swap",
        do=deploys(SLOT, "b9", setting=False),
        undo=deploys(SLOT, "b1"),
    ),
    Way(
        name="slot stopped",
        finding="answers",
        road="slot_swap",
        do=lambda world: world.apps.stop_slot(GROUP, SITE, SLOT),
        undo=lambda world: world.apps.start_slot(GROUP, SITE, SLOT),
    ),
    Way(
        name="cold slot",
        finding="warm",
        road="slot_swap",
        # Only here is a second too late: a machine under load takes as long for an answer that is not held back.
        do=both(
            lambda world: world.control("PUT", "/builds/b1/faults", {"delay_ms": 1200, "only": ["/ready"]}),
            writes(("warm_within: 10s", "warm_within: 1s")),
        ),
        undo=both(lambda world: world.control("DELETE", "/builds/b1/faults"), writes()),
    ),
    Way(
        name="swap with preview left",
        finding="preview",
        road="slot_swap",
        do=lambda world: world.apps.apply_slot_configuration_slot(GROUP, SITE, "candidate", TO_PRODUCTION),
        undo=lambda world: world.apps.reset_slot_configuration_slot(GROUP, SITE, "candidate"),
    ),
    Way(name="swap stuck", finding="operation", road="slot_swap", do=leaves_a_swap, undo=ends_the_swap),
    Way(
        name="BUILD_ID sticky",
        finding="build_setting",
        road="slot_swap",
        do=makes_sticky("BUILD_ID"),
        undo=makes_sticky(),
        within=STICKY_KEPT,
    ),
    Way(
        name="sticky setting drifted",
        finding="drift",
        road="slot_swap",
        do=sets(SLOT, DATABASE="orders-old"),
        undo=sets(SLOT, DATABASE="orders"),
        within=STICKY_KEPT,
    ),
    Way(
        name="sticky setting on one side",
        finding="sticky",
        road="slot_swap",
        do=sets(SLOT, DATABASE=None),
        undo=sets(SLOT, DATABASE="orders"),
        within=STICKY_KEPT,
    ),
    Way(
        name="ARM does not answer",
        finding="slot",
        road="slot_swap",
        do=strikes("site_read", "status", status=503),
        undo=lifts,
        unknown=True,
    ),
]
_WAYS_OF_ROADS = [
    Way(
        name="endpoint ill",
        finding="road",
        road="balance",
        do=lambda world: world.control("PUT", "/traffic_manager/shop/blue", {"health": "Degraded"}),
        undo=lambda world: world.control("PUT", "/traffic_manager/shop/blue", {"health": "Online"}),
    ),
    Way(name="origins may not be read", finding="road", road="front", do=strikes("afd_read", "forbidden"), undo=lifts),
    Way(
        name="DNS zone gone",
        finding="road",
        road="names",
        do=strikes("dns_zones_read", "status", status=404),
        undo=lifts,
    ),
    Way(
        name="CNAME has a rival",
        finding="road",
        road="names",
        do=leads_www_to(a=["192.0.2.9"]),
        undo=leads_www_to(cname="blue.example.net"),
    ),
    Way(
        name="flag gone",
        finding="road",
        road="checkout",
        do=lambda world: world.control("DELETE", f"/key_values?key={app_configuration_world.KEY}&label="),
        undo=lambda world: app_configuration_world.put_flag(
            world.simulator, app_configuration_world.make_flag(0, enabled=False)
        ),
    ),
    Way(
        name="hook refuses our signature",
        finding="road",
        road="switch",
        do=lambda world: world.control("PUT", "/hook", {"secret": "another secret altogether"}),
        undo=lambda world: world.control("PUT", "/hook", {"secret": hook_world.SECRET}),
    ),
    Way(
        name="production is not the known good",
        finding="road",
        road="split",
        do=deploys("production", "b9"),
        undo=deploys("production", "b1"),
    ),
]
_WAYS_OF_ROLES = [
    Way(name="role removed", finding="roles", road="slot_swap", do=denies(_SWAP), undo=denies(), within=ROLES_KEPT),
    Way(
        name="roles of a whole provider removed",
        finding="roles",
        road="names",
        do=denies("Microsoft.Network/*/write"),
        undo=denies(),
        within=ROLES_KEPT,
    ),
    Way(
        name="data role removed",
        finding="roles",
        road="checkout",
        do=denies(_WRITE_FLAGS),
        undo=denies(),
        within=ROLES_KEPT,
    ),
    Way(
        name="roles may not be read",
        finding="roles",
        road="balance",
        do=denies(_READ_ROLES),
        undo=denies(),
        within=ROLES_KEPT,
        unknown=True,
    ),
    Way(
        name="nobody says where the store is",
        finding="roles",
        road="checkout",
        do=writes(('  scopes: {checkout: "%STORE_ID%"}\n', "")),
        undo=writes(),
        unknown=True,
    ),
]
_WAYS_OF_LEVELS = [
    Way(
        name="backup too old",
        finding="fresh:backup",
        do=has(backed_up=False),
        undo=has(backed_up=True),
        after=timedelta(hours=25),
    ),
    Way(name="replica behind", finding="fresh:replica", do=has(replica_lag_s=400.0), undo=has(replica_lag_s=2.0)),
    Way(
        name="rehearsal expired",
        finding="rehearsed",
        do=lambda world: world.rehearse(world.clock() - timedelta(days=31)),
        undo=lambda world: world.rehearse(world.clock()),
    ),
    Way(
        name="rehearsal failed",
        finding="rehearsed",
        do=lambda world: world.rehearse(world.clock(), ok=False),
        undo=lambda world: world.rehearse(world.clock()),
    ),
    Way(
        name="secret missing",
        finding="check:answers",
        do=writes(SMOKE_KEY=_UNRESOLVED),
        undo=writes(SMOKE_KEY="a key of the smoke test"),
    ),
    Way(
        name="secret of a hook missing",
        finding="reach",
        road="switch",
        do=writes(HOOK_SECRET=_UNRESOLVED),
        undo=writes(HOOK_SECRET=hook_world.SECRET),
    ),
    Way(
        name="host of a check does not resolve",
        finding="check:answers",
        do=writes(
            ("hosts: [127.0.0.1]", "hosts: [127.0.0.1, nowhere.invalid]"),
            ("get: /,", 'get: "http://nowhere.invalid/",'),
        ),
        undo=writes(),
    ),
]
_WAYS_OF_PEOPLE = [
    Way(name="people cannot be told", finding="people", do=has(channels=set()), undo=has(channels={"webhook:ops"})),
    Way(
        name="nobody can sign in",
        finding="approvers",
        do=has(answering=Answering(links=True)),
        undo=has(answering=_EVERYBODY),
    ),
    Way(
        name="nobody can answer at all",
        finding="approvers",
        do=both(has(answering=Answering()), writes(("  2:\n", "  2:\n    approval: {quorum: 1}\n"))),
        undo=both(has(answering=_EVERYBODY), writes()),
    ),
    Way(
        name="fewer can answer than it takes",
        finding="approvers",
        do=both(has(answering=Answering(links=True)), writes(("  2:\n", "  2:\n    approval: {quorum: 2}\n"))),
        undo=both(has(answering=_EVERYBODY), writes()),
    ),
    Way(
        name="who is asked has no channel",
        finding="approvers",
        do=writes(("  2:\n", '  2:\n    approval: {to: ["webhook:data"]}\n')),
        undo=writes(),
    ),
]
_WAYS_OF_WORKLOADS = [
    Way(
        name="no known good",
        finding="known_good",
        do=drops(KNOWN_GOOD),
        undo=keeps(KNOWN_GOOD, lambda world: KnownGood(build="b1", recorded_at=world.clock(), recorded_by="tests")),
    ),
    Way(
        name="known good in quarantine",
        finding="quarantine",
        do=keeps(QUARANTINE, quarantine),
        undo=drops(QUARANTINE),
    ),
    Way(
        name="a build that nobody announced is live",
        finding="live",
        do=deploys("production", "b9"),
        undo=deploys("production", "b1"),
    ),
    Way(
        name="blind",
        finding="watched",
        do=strikes("front_door", "cut_before", user_agent="rollback-controller-probe"),
        undo=lifts,
    ),
    Way(
        name="watch silent",
        finding="watched",
        do=has(watched=False),
        undo=has(watched=True),
        after=timedelta(minutes=1),
    ),
    Way(
        name="fleet paused",
        finding="automatic",
        do=pauses,
        undo=lambda world: world.ledger.commit(FLEET, [Delete(PAUSE)]),
    ),
    Way(
        name="observe only",
        finding="automatic",
        do=writes(("notify:", "guards: {observe_only: true}\nnotify:")),
        undo=writes(),
    ),
    Way(
        name="budget used up",
        finding="automatic",
        do=keeps(STARTS, lambda world: Starts(((world.clock(), WORKLOAD),) * 2)),
        undo=drops(STARTS),
    ),
    Way(name="cool-down", finding="automatic", do=keeps(LAST, ended_just_now), undo=drops(LAST)),
]
# People hear of the rollback then, not of readiness.
RUNNING = Way(
    name="a rollback runs", finding="automatic", do=keeps(ACTIVE, lambda _: Active(RUN_ID)), undo=drops(ACTIVE)
)
WAYS = [
    *_WAYS_OF_SLOTS,
    *_WAYS_OF_ROADS,
    *_WAYS_OF_ROLES,
    *_WAYS_OF_LEVELS,
    *_WAYS_OF_WORKLOADS,
    *_WAYS_OF_PEOPLE,
]
