"""All kinds of roads by the key that names them in a policy."""

from collections.abc import Mapping

from bench.roads.front_door import FRONT_DOOR
from bench.roads.names import DNS, TRAFFIC_MANAGER
from bench.roads.road import Road
from bench.roads.slots import SLOT_SWAP, SLOT_TRAFFIC
from bench.roads.switches import APP_CONFIGURATION, HOOK

ROADS: Mapping[str, Road] = {
    "slot_swap": SLOT_SWAP,
    "slot_traffic": SLOT_TRAFFIC,
    "traffic_manager": TRAFFIC_MANAGER,
    "front_door": FRONT_DOOR,
    "dns": DNS,
    "app_configuration": APP_CONFIGURATION,
    "hook": HOOK,
}
