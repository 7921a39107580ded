"""What `GET /_control/state` and `GET /_control/requests` tell."""

from collections import Counter
from typing import Any

from local.azure_simulator.afd.control import afd_state
from local.azure_simulator.app_configuration.control import key_values_state
from local.azure_simulator.arm.views import instant, operation_view
from local.azure_simulator.costs.control import costs_state
from local.azure_simulator.dns_zones.control import dns_zones_state
from local.azure_simulator.faults import ActiveFault
from local.azure_simulator.hook_target.control import hook_state
from local.azure_simulator.request_log import ServedRequest
from local.azure_simulator.simulation import Change, Simulation, SwapPost
from local.azure_simulator.sites import Site, Slot
from local.azure_simulator.traffic_manager.control import traffic_manager_state

type Json = dict[str, Any]


def world_state(simulation: Simulation) -> Json:
    return {
        "sites": {site.name: site_state(simulation, site) for site in simulation.sites.values()},
        "afd": afd_state(simulation),
        "swap_posts_total": simulation.journal.posts_total,
        "swaps_accepted_total": simulation.journal.accepted_total,
        "timings": simulation.timings.model_dump(),
        "throttling": simulation.throttling.model_dump(),
        "denied_actions": list(simulation.denied_actions),
        "build_faults": {build: faults.model_dump() for build, faults in simulation.build_faults.items()},
        "requests_total": simulation.requests.total,
        "calls": dict(simulation.calls),
        "changes": [_change_state(change) for change in simulation.changes],
        "traffic_manager": traffic_manager_state(simulation),
        "dns_zones": dns_zones_state(simulation),
        "app_configuration": key_values_state(simulation),
        "hook": hook_state(simulation),
        "costs": costs_state(simulation),
    }


def site_state(simulation: Simulation, site: Site) -> Json:
    operations = [operation for operation in simulation.operations.values() if operation.site == site.name]
    preview = site.preview
    return {
        "resource_id": simulation.site_id(site, site.production),
        "workspace_id": site.workspace_id,
        "production_build": site.production.content.build,
        "slots": {slot.name: _slot_state(slot) for slot in site.slots.values()},
        "swap_posts": [_post_state(post) for post in simulation.journal.posts if post.site == site.name],
        "operations": [operation_view(simulation, operation) for operation in operations],
        "in_progress_operation_id": site.operation.id if site.operation else None,
        "preview": {"source": preview.source, "target": preview.target} if preview else None,
        "rampUpRules": [rule.model_dump(exclude_none=True) for rule in site.ramp_up_rules],
        "pins_outlive_rules": site.pins_outlive_rules,
    }


def _slot_state(slot: Slot) -> Json:
    return {
        "build": slot.content.build,
        "state": "Running" if slot.is_running else "Stopped",
        "cold": slot.is_cold,
        "alive": slot.content.is_alive,
        "pid": slot.content.pid,
        "settings": dict(slot.settings),
    }


def _change_state(change: Change) -> Json:
    return {
        "time": instant(change.time),
        "service": change.service,
        "name": change.name,
        "properties": dict(change.properties),
    }


def _post_state(post: SwapPost) -> Json:
    return {
        "time": instant(post.time),
        "slot": post.slot,
        "status": post.status,
        "accepted": post.accepted,
    }


def fault_state(fault: ActiveFault) -> Json:
    rule = fault.rule.model_dump(exclude_none=True)
    return {"id": fault.id, "hits": fault.hits, "spent": fault.is_spent, **rule}


def request_counts(rows: list[ServedRequest]) -> Json:
    """Counts by build, status and user-agent group (the product token before the first `/` or blank)."""
    groups = Counter(
        (row.site, row.slot, row.build, row.status, agent_group(row.user_agent), row.pinned) for row in rows
    )
    names = ("site", "slot", "build", "status", "user_agent", "pinned")
    return {
        "total": len(rows),
        "by_build": Counter(row.build for row in rows),
        "by_status": Counter(str(row.status) for row in rows),
        "by_user_agent": Counter(agent_group(row.user_agent) for row in rows),
        "groups": [dict(zip(names, key, strict=True)) | {"count": count} for key, count in groups.items()],
    }


def agent_group(user_agent: str) -> str:
    return user_agent.replace("/", " ", 1).split(" ")[0]
