"""What somebody does to the world of the matrix, in the words of its cases."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.mgmt.web.models import CsmSlotEntity

from shared.engine.fleet import FLEET, PAUSE
from shared.engine.records import encode
from shared.model.fleet import Pause
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import LastRollback, RunStatus
from shared.ports import Delete, Put
from tests.scenarios.readiness_matrix.world import CYCLE, GROUP, SITE, SLOT, WORKLOAD, World

STICKY = ["DATABASE", "SLOT_NAME"]
TO_PRODUCTION = CsmSlotEntity(target_slot="production", preserve_vnet=True)
RUN_ID = f"{WORKLOAD}.20260301T120000000000"

type Deed = Callable[[World], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to break readiness.

    Attributes:
        finding: The name of the finding that must tell, and of which road.
        unknown: It can be said only that nobody knows.
        within: How long an answer from before may be kept.
        after: How long it takes until it is broken, once it is done.
    """

    name: str
    finding: str
    road: str = ""
    do: Deed
    undo: Deed
    unknown: bool = False
    within: timedelta = CYCLE
    after: timedelta = timedelta(0)

    def __str__(self) -> str:
        return self.name


def deploys(slot: str, build: str, *, setting: bool = True) -> Deed:
    body = {"slot": slot, "build": build, "setting": setting}
    return lambda world: world.control("POST", f"/sites/{SITE}/deploy", body)


def denies(*actions: str) -> Deed:
    return lambda world: world.control("PUT", "/permissions", {"denied": list(actions)})


def strikes(api: str, kind: str, **more: Any) -> Deed:
    return lambda world: world.control("POST", "/faults", {"api": api, "kind": kind, **more})


def lifts(world: World) -> None:
    world.control("DELETE", "/faults")


def sets(slot: str, **settings: str | None) -> Deed:
    return lambda world: world.control("PUT", f"/sites/{SITE}/slots/{slot}/settings", {"settings": settings})


def makes_sticky(*names: str) -> Deed:
    return lambda world: world.control("PUT", f"/sites/{SITE}/sticky_settings", {"names": [*STICKY, *names]})


def leads_www_to(**records: Any) -> Deed:
    body = {"name": "www", "ttl_s": 30, **records}
    return lambda world: world.control("PUT", "/dns_zones/example.com", body)


def makes_the_slot(world: World) -> None:
    settings = {"SLOT_NAME": "kept", "DATABASE": "orders"}
    world.control("PUT", f"/sites/{SITE}/slots/{SLOT}", {"build": "b1", "settings": settings})


def keeps(key: str, record: Callable[[World], object]) -> Deed:
    return lambda world: world.put(key, record(world))


def drops(key: str) -> Deed:
    return lambda world: world.ledger.commit(WORKLOAD, [Delete(key)])


def writes(*replacements: tuple[str, str], **settings: str) -> Deed:
    def write(world: World) -> None:
        world.settings |= settings
        world.policy = world.read(*replacements)

    return write


def both(one: Deed, other: Deed) -> Deed:
    return lambda world: (one(world), other(world))


def has(**attributes: Any) -> Deed:
    def set_all(world: World) -> None:
        for name, value in attributes.items():
            setattr(world, name, value)

    return set_all


def pauses(world: World) -> None:
    pause = Pause(since=world.clock(), by="tests", reason="a storm")
    world.ledger.commit(FLEET, [Put(PAUSE, encode(pause))])


def leaves_a_swap(world: World) -> None:
    world.control("POST", "/faults", {"api": "swap", "kind": "stuck"})
    world.apps.begin_swap_slot(GROUP, SITE, SLOT, TO_PRODUCTION, polling=False)


def ends_the_swap(world: World) -> None:
    lifts(world)
    world.wait_for_quiet()


def quarantine(world: World) -> Quarantine:
    return Quarantine({"b1": Quarantined(since=world.clock(), rollback_id=RUN_ID)})


def ended_just_now(world: World) -> LastRollback:
    return LastRollback(id=RUN_ID, status=RunStatus.FAILED, ended_at=world.clock())
