"""Roads, levels and checks of a policy: what is read, and what is refused where."""

from datetime import timedelta

import pytest

from shared.model.policy import Policy
from shared.model.policy_roads import ROAD_KINDS, FrontDoorRoad, SlotSwapRoad, TrafficManagerRoad, kind_of
from shared.model.policy_verify import Client, ClientCheck, HoldsCheck, ResolvesCheck
from tests.unit.model.policies import changed, read, refusal

_GROUP = "/subscriptions/s1/resourceGroups/shop/providers"
_LEVEL = "levels:\n  1: {budget: 30s, verify: {path: /front, looks: 2}}\n"
_ROADS = f"""\
databases: {{shop: {{source: "host=old", target: "host=new"}}}}
roads:
  rows: {{data_sync: shop}}
  split: {{slot_traffic: candidate, takes: 4s}}
  older: {{slot_swap: older}}
  names: {{dns: {_GROUP}/Microsoft.Network/dnszones/shop.example, records: {{api: {{cname: old.example}}}}}}
  spread:
    traffic_manager: {_GROUP}/Microsoft.Network/trafficManagerProfiles/shop
    name: shop.trafficmanager.net
    endpoints: {{old: 100, new: disabled}}
    resolves_to: [old.example]
  edge:
    front_door: {_GROUP}/Microsoft.Cdn/profiles/shop/originGroups/web
    url: https://shop.azurefd.net
    origins: {{old: 1000, new: disabled}}
  flag: {{app_configuration: https://shop.azconfig.io, flag: hybrid, share: 10%}}
  book:
    hook: https://ops.example/back
    read_back: https://ops.example/state
    expect: {{state.name: good}}
    secret: sixteen-characters
"""
_STEERED = """\
levels:
  1:
    components: {web: [split, slot_swap], names: [names], jobs: [flag]}
    emergency: [edge]
    verify:
      at_least: 90%
      checks:
        login: {get: /login, status: [200, 301-302], expect: {user.name: probe}, within: 800ms, component: web}
        order:
          journey:
            - {post: /orders, body: {item: 1}, status: 201, capture: {id: order.id}}
            - {get: "/orders/{id}", build: known_good}
          clean_up: [{delete: "/orders/{id}"}]
        names: {resolves: shop.example, to: [10.0.0.1], resolvers: [127.0.0.1@5300]}
        held: {holds: book}
reach: {hosts: [ops.example], redirects: 1}
"""
_ALL = changed(_LEVEL, _ROADS + _STEERED)


def altered(old: str, new: str) -> str:
    assert _ALL.count(old) == 1, f"{old!r} stands {_ALL.count(old)} times"
    return _ALL.replace(old, new)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read(_ALL)


def test_every_kind_of_road_is_read(policy: Policy) -> None:
    assert sorted({kind_of(road) for road in policy.all_roads.values()}) == sorted(ROAD_KINDS)
    assert policy.all_roads["split"].takes == timedelta(seconds=4)
    spread = policy.roads["spread"]
    assert isinstance(spread, TrafficManagerRoad)
    assert spread.endpoints == {"old": 100, "new": "disabled"}


def test_a_level_steers_components_by_roads_in_their_order(policy: Policy) -> None:
    level = policy.level(1)
    assert level.steered == {"web": ("split", "slot_swap"), "names": ("names",), "jobs": ("flag",)}
    assert level.all_roads == ("split", "slot_swap", "names", "flag", "edge")
    assert policy.levels.above(1) is None


def test_the_short_form_steers_the_site_and_the_swap_is_the_default() -> None:
    assert read().level(1).steered == {"site": ("slot_swap",)}
    assert read(changed("1: {budget", "1: {roads: [slot_swap], budget")).level(1).steered == {"site": ("slot_swap",)}


def test_a_road_of_ones_own_may_replace_the_swap_that_is_built_in() -> None:
    text = changed(_LEVEL, f"roads: {{slot_swap: {{slot_swap: older, give_up_after: 5m}}}}\n{_LEVEL}")
    swap = read(text).all_roads["slot_swap"]
    assert isinstance(swap, SlotSwapRoad)
    assert (swap.slot_swap, swap.give_up_after) == ("older", timedelta(minutes=5))


def test_higher_levels_are_found_in_their_order() -> None:
    levels = "levels:\n  1: {}\n  3: {roads: [book]}\nreach: {hosts: [ops.example]}\n"
    found = read(changed(_LEVEL, _ROADS + levels)).levels
    assert list(found.by_number) == [1, 3]
    assert (found.above(1), found.above(2), found.above(3)) == (3, 3, None)


def test_hosts_that_are_named(policy: Policy) -> None:
    assert policy.named_hosts == {"orders.example", "shop.azurefd.net", "ops.example"}


def test_proofs_are_seen_as_the_level_looks_at_things(policy: Policy) -> None:
    by = policy.level(1).verify.model_copy(update={"path": "/front", "fresh_clients": 3})
    swap = policy.all_roads["slot_swap"].proofs("slot_swap", by)
    assert [check.client for check in swap.values() if isinstance(check, ClientCheck)] == list(Client)
    split = policy.roads["split"].proofs("split", by)
    assert split["expelled"] == ClientCheck(client=Client.PINNED, slot="candidate", path="/front")
    edge = policy.roads["edge"]
    assert isinstance(edge, FrontDoorRoad)
    fresh = edge.proofs("edge", by)["fresh"]
    assert fresh == ClientCheck(client=Client.FRESH, at=edge.url, path="/front", requests=3)
    assert policy.roads["names"].proofs("names", by) == {
        "resolves api": ResolvesCheck(resolves="api.shop.example", to=("old.example",))
    }
    assert policy.roads["book"].proofs("book", by) == {"holds": HoldsCheck(holds="book")}


REFUSED = [
    (
        "{slot_traffic: candidate, takes: 4s}",
        "{}",
        "roads.split: a road is of exactly one kind: slot_swap, ",
    ),
    (
        "{slot_traffic: candidate, takes: 4s}",
        "{slot_traffic: a, hook: b}",
        "roads.split: a road is of exactly",
    ),
    ("takes: 4s", "take: 4s", "roads.split.take: unknown key"),
    ("takes: 4s", "takes: 4", "roads.split.takes: 4 is not a duration"),
    ("{old: 100, new: disabled}", "{old: disabled, new: disabled}", "roads.spread: all of these would be disabled"),
    ("{old: 1000, new: disabled}", "{old: 1001}", "roads.edge.origins.old"),
    ("{old: 1000, new: disabled}", "{}", "roads.edge.origins"),
    ("{cname: old.example}", "{cname: old.example, a: [10.0.0.1]}", "roads.names.records.api: a name leads to one"),
    ("{api: {cname: old.example}}", '{"@": {cname: old.example}}', "a zone itself cannot be a CNAME"),
    ("share: 10%", "share: 110%", "roads.flag.share: '110%' is no share; expected 0% to 100%"),
    ("secret: sixteen-characters", "secret: short", "roads.book.secret"),
    (
        "hook: https://ops.example/back",
        "hook: https://other.example/",
        "roads.book.hook: the host other.example is",
    ),
    (
        "web: [split, slot_swap]",
        "web: [splt]",
        "levels.1.components.web: unknown road 'splt'; expected one of: ",
    ),
    ("web: [split, slot_swap]", "web: []", "levels.1.components.web: no road; expected at least one"),
    ("names: [names]", "names: [split]", "levels.1.components.names: the road 'split' is taken twice"),
    ("emergency: [edge]", "emergency: [split]", "levels.1.emergency: the road 'split' is taken twice"),
    ("components: {web:", "components: {emergency: [book], web:", "levels.1.components.emergency: 'emergency' is"),
    (
        "    components: {web:",
        "    roads: [book]\n    components: {site:",
        "levels.1.roads: the component site stan",
    ),
    (
        "component: web",
        "component: shop",
        "levels.1.verify.checks.login.component: unknown component 'shop'",
    ),
    ("{get: /login, ", "{", "levels.1.verify.checks.login: a check is of exactly one kind: client, get"),
    ("status: [200, 301-302]", "status: 99", "levels.1.verify.checks.login.status: 99 is no HTTP status; write 20"),
    ("status: [200, 301-302]", "status: 302-301", "'302-301' is no HTTP status"),
    (
        "{get: /login,",
        "{get: https://evil.example/login,",
        "checks.login: the host evil.example is not named",
    ),
    ('{get: "/orders/{id}"', '{get: "https://evil.example/{id}"', "checks.order: the host evil.example is not named"),
    ('{get: "/orders/{id}"', '{get: "/orders/{ids}"', "{ids} stands for nothing yet; expected one of: id, kno"),
    ("{post: /orders, ", "{post: /orders, put: /orders, ", "a request names exactly one of get, post, put"),
    (
        "names: [names], ",
        "names: [older], ",
        "slot_swap, older are all slot swaps, and a site carries out one at a time",
    ),
    ("held: {holds: book}", "held: {holds: slot_swap}", "checks.held.holds: a swap is no state that holds"),
    ("held: {holds: book}", "held: {holds: shelf}", "levels.1.verify.checks.held.holds: unknown road 'shelf'"),
    ("at_least: 90%", "at_least: 0%", "levels.1.verify.at_least"),
]


@pytest.mark.parametrize(("old", "new", "said"), REFUSED, ids=[new for _, new, _ in REFUSED])
def test_a_broken_road_level_or_check_is_refused_where_it_is_broken(old: str, new: str, said: str) -> None:
    assert said in refusal(altered(old, new))


def test_a_flag_alone_proves_nothing_of_what_people_get() -> None:
    text = changed(_LEVEL, _ROADS + "levels: {1: {roads: [flag]}}\nreach: {hosts: [ops.example]}\n")
    assert "levels.1.verify: a feature flag is seen by the site's own answers" in refusal(text)


_DATA = """\
databases: {shop: {source: "host=old", target: "host=new"}}
roads:
  rows: {data_sync: shop}
  other: {slot_traffic: candidate}
levels:
  1: {}
  2:
    components: {web: [slot_swap], jobs: [other], data: [rows]}
    budget: 5m
    after: {jobs: [web]}
"""
_OVER = changed(_LEVEL, _DATA)
_ORDERS = [
    ("after: {jobs: [web]}", "after: {jobs: [shop]}", "levels.2.after.jobs: unknown component 'shop'; expected one of"),
    ("after: {jobs: [web]}", "after: {shop: [web]}", "levels.2.after.shop: unknown component 'shop'; expected one of"),
    ("after: {jobs: [web]}", "after: {jobs: [web], web: [jobs]}", "levels.2.after: these wait for each other: jobs, w"),
    ("after: {jobs: [web]}", "after: {jobs: [jobs]}", "levels.2.after: these wait for each other: jobs"),
    ("after: {jobs: [web]}", "after: {data: [web]}", "levels.2.after: these wait for each other: data, web"),
    (
        "{data_sync: shop}",
        "{data_sync: stock}",
        "roads.rows.data_sync: unknown database 'stock'; expected one of: shop",
    ),
    ('target: "host=new"', 'target: "host=old"', "databases.shop: source and target are the same database"),
    ('target: "host=new"', 'target: "host=new", loss: {above: shrug}', "databases.shop.loss.above"),
    ('target: "host=new"', 'target: "host=new", loss: {rows: -1}', "databases.shop.loss.rows"),
    (
        'target: "host=new"',
        'target: "host=new", tables: [orders]',
        "databases.shop.tables[0]: 'orders' has the wrong form",
    ),
]


def test_data_goes_before_all_that_serves_it() -> None:
    policy = read(_OVER)
    waits = {name: policy.waits_for(policy.level(2), name) for name in policy.level(2).steered}
    assert waits == {"data": frozenset(), "web": {"data"}, "jobs": {"data", "web"}}
    assert policy.waits_for(policy.level(1), "site") == frozenset()


@pytest.mark.parametrize(("old", "new", "said"), _ORDERS, ids=[new for _, new, _ in _ORDERS])
def test_an_order_that_nothing_could_follow_is_refused(old: str, new: str, said: str) -> None:
    assert _OVER.count(old) == 1
    assert said in refusal(_OVER.replace(old, new))


def test_two_databases_go_back_side_by_side() -> None:
    two = _OVER.replace('target: "host=new"}', 'target: "host=new"}, stock: {source: "host=a", target: "host=b"}')
    two = two.replace("  rows: {", "  stock: {data_sync: stock}\n  rows: {").replace("{web:", "{more: [stock], web:")
    policy = read(two)
    assert policy.waits_for(policy.level(2), "data") == frozenset()
    assert policy.waits_for(policy.level(2), "web") == {"data", "more"}
