"""Looks at everything that a rollback of any level would need, at once, each within its own time; changes nothing."""

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from shared.decision.readiness_levels import hosts_of
from shared.engine.incidents import outcome_of
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import DataSyncRoad, RoadBase, SlotSwapRoad, kind_of
from shared.model.policy_verify import Client
from shared.model.readiness_facts import Answered, RoadSeen, SiteSeen, SlotState, SwapSeen, Told, World
from shared.ports import Aim, Prober, Routing, Sighting, SlotSite
from shared.ports.readiness import Hosts, Roles, SlotKeeping

_LIVE_WITHIN = timedelta(seconds=5)
# All of it ends by itself at time-outs of its own; this much later it is given up.
_WITHIN_S = 45.0


@dataclass(frozen=True, slots=True)
class Survey:
    """Asks the adapters. `pool` runs the questions; nothing that runs in it may wait for it.

    Attributes:
        rows: Looks at a road that takes rows back.
    """

    slots: SlotSite
    routings: Mapping[str, Routing[Any]]
    keeping: SlotKeeping
    roles: Roles
    hosts: Hosts
    prober: Prober
    pool: Executor
    rows: Callable[[Policy, DataSyncRoad], RoadSeen] | None = None

    def of(self, policy: Policy, good: str, salt: str) -> World:
        """Look at all levels of a workload.

        Args:
            good: The build that is known to be good, or the empty text.
            salt: What fingerprints of settings are made with.
        """
        roads = _roads_of(policy)
        swaps = {name: road for name, road in roads.items() if isinstance(road, SlotSwapRoad)}
        states = {name: road for name, road in roads.items() if name not in swaps}
        hosts = frozenset[str]().union(*(hosts_of(policy, level) for level in policy.levels.by_number.values()))
        ends = monotonic() + _WITHIN_S
        live = self._begin({"": partial(self._answer, policy, policy.levels.traffic.verify.path, _LIVE_WITHIN)})
        swapped = self._begin({name: partial(self.swap, policy, road, salt) for name, road in swaps.items()})
        seen = self._begin({name: partial(self._road, policy, name, road, good) for name, road in states.items()})
        lacking = self._begin({name: partial(self.roles.lacking, policy, name, road) for name, road in roads.items()})
        reached = self._begin({host: partial(self.hosts.why_not, policy, host) for host in hosts})
        return World(
            live=live.outcomes(ends)[""],
            swaps=swapped.outcomes(ends),
            roads=seen.outcomes(ends),
            lacking=lacking.outcomes(ends),
            hosts=reached.outcomes(ends),
        )

    def _begin[T](self, questions: Mapping[str, Callable[[], T]]) -> "_Asked[T]":
        return _Asked({name: self.pool.submit(question) for name, question in questions.items()})

    def _road(self, policy: Policy, name: str, road: RoadBase, good: str) -> RoadSeen:
        if isinstance(road, DataSyncRoad):
            if self.rows is None:
                raise PermanentError("rows cannot be taken back here")
            return self.rows(policy, road)
        aim = Aim(rollback_id="", component="", known_good=good, road=name)
        picture = self.routings[kind_of(road)].look(policy, road, aim)
        return RoadSeen(established=picture.established, busy=picture.busy, why_not=picture.why_not)

    def swap(self, policy: Policy, road: SlotSwapRoad, salt: str = "") -> SwapSeen:
        """Look at all that a swap by a road would meet, one thing after the other."""
        slot = road.slot_swap
        state = _told(partial(self.keeping.look, policy, slot))
        return SwapSeen(
            slot=slot,
            site=_told(partial(self._site, policy, slot)),
            state=state,
            answer=_told(partial(self._slot_answer, policy, state)),
            sticky=_told(partial(self.keeping.sticky, policy.site, slot, salt)),
        )

    def _site(self, policy: Policy, slot: str) -> SiteSeen:
        picture = self.slots.look(policy.site, slot)
        return SiteSeen(
            production_build=picture.production_build,
            slot_build=picture.slot_build,
            operation_id=picture.operation_id,
        )

    def _slot_answer(self, policy: Policy, state: Told[SlotState]) -> Answered:
        if isinstance(state, ControllerError):
            raise TransientError(f"nobody knows where the slot answers: {state}")
        if not state.front:
            raise TransientError("there is no slot that could answer")
        # The slot is asked as the site is: it is one of the site's own, whatever its host is called.
        site = policy.site.model_copy(update={"url": state.front})
        slot_policy = policy.model_copy(update={"site": site})
        path = policy.levels.traffic.verify.path
        return self._answer(slot_policy, path, 2 * policy.readiness.warm_within)

    def _answer(self, policy: Policy, path: str, timeout: timedelta) -> Answered:
        (sighting,) = self.prober.look(policy, path, Client.FRESH, 1, timeout=timeout)
        return _answered(sighting)


def _roads_of(policy: Policy) -> dict[str, RoadBase]:
    """Return the roads that some level may take; each is looked at once."""
    names = [name for level in policy.levels.by_number.values() for name in level.all_roads]
    return {name: policy.all_roads[name] for name in dict.fromkeys(names)}


def _answered(sighting: Sighting) -> Answered:
    """What a cache answers tells what was so before."""
    return Answered(
        reached=sighting.answered,
        status=sighting.status,
        build="" if sighting.cached else sighting.build,
        latency_ms=sighting.latency_ms,
        note=sighting.note,
    )


def _told[T](question: Callable[[], T]) -> Told[T]:
    try:
        return question()
    except ControllerError as error:
        return error


@dataclass(frozen=True, slots=True)
class _Asked[T]:
    """Questions under way, by what they are about."""

    futures: Mapping[str, Future[T]]

    def outcomes(self, ends: float) -> dict[str, Told[T]]:
        return {name: self._outcome(name, future, ends) for name, future in self.futures.items()}

    def _outcome(self, name: str, future: Future[T], ends: float) -> Told[T]:
        try:
            return outcome_of(future, f"readiness of {name or 'the site'}", max(0.0, ends - monotonic()))
        except (TimeoutError, CancelledError):
            future.cancel()
            return TransientError(f"there was no answer within {_WITHIN_S:.0f} s")
