"""Databases in a policy: what could not work, would be too late, or would undo itself is refused where it stands."""

import pytest

from shared.adapters.policy_files import clash
from shared.errors import PolicyError
from shared.model.conninfo import place_name, place_of
from shared.model.policy import MOST_WRITES, Policy
from tests.fakes.policies import policy

_SHOP = 'shop: {source: "host=a dbname=s", target: "host=b dbname=s"}'
_STOCK = 'stock: {source: "host=a dbname=t", target: "host=b dbname=t"}'
_ROADS = "back: {data_sync: shop}"
_LEVEL = "components: {site: [slot_swap], rows: [back]}, budget: 5m"
_BOTH = "components: {site: [slot_swap], rows: [back], more: [again]}, budget: 5m"


def block(databases: str = _SHOP, roads: str = _ROADS, level: str = _LEVEL, notify: str = 'to: ["webhook:ops"]') -> str:
    return f"databases: {{{databases}}}\nroads: {{{roads}}}\nlevels: {{1: {{}}, 2: {{{level}}}}}\nnotify: {{{notify}}}"


def read(text: str) -> Policy:
    return policy(('notify: {to: ["webhook:ops"]}', text))


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        read(text)
    return str(refused.value)


def test_what_can_work_is_read() -> None:
    two = read(block(f"{_SHOP}, {_STOCK}", f"{_ROADS}, again: {{data_sync: stock}}", _BOTH))
    assert list(two.databases) == ["shop", "stock"]


@pytest.mark.parametrize(("says", "ahead"), [("", True), (", copy_ahead: false", False), (", keep_fence: true", False)])
def test_rows_are_copied_ahead_of_a_fence_unless_it_is_to_stay_whatever_happens(says: str, ahead: bool) -> None:
    database = read(block(_SHOP.replace("}", f"{says}}}"))).databases["shop"]
    assert database.sync_rules.copy_ahead is ahead


_REFUSED = {
    "beside another road": (
        block(level="components: {site: [slot_swap, back]}, budget: 5m"),
        "levels.2.components.site: rows and other roads do not stand in for each other: expected a component of its o",
    ),
    "in an emergency": (
        block(level="roads: [slot_swap], emergency: [back], budget: 5m"),
        "levels.2.emergency: back takes rows back, which is no last resort of traffic",
    ),
    "twice in a level": (
        block(roads=f"{_ROADS}, again: {{data_sync: shop}}", level=_BOTH),
        "levels.2.components: two roads take back the rows of shop: expected one",
    ),
    "no time": (
        block(level="components: {site: [slot_swap], rows: [back]}, budget: 59s"),
        "levels.2.budget: rows do not go back in 59s: expected at least 60s",
    ),
    "given up too soon": (
        block(roads="back: {data_sync: shop, takes: 5s, give_up_after: 59s}"),
        "roads.back.give_up_after: rows do not go back so soon: expected at least 60s",
    ),
    "one pair twice": (
        block(f"{_SHOP}, {_SHOP.replace('shop', 'stock')}", f"{_ROADS}, again: {{data_sync: stock}}", _BOTH),
        "databases.stock: it shares a database with shop: expected one entry for both",
    ),
    "a chain": (
        block(
            f'{_SHOP}, stock: {{source: "host=b dbname=s", target: "host=c dbname=s"}}',
            f"{_ROADS}, again: {{data_sync: stock}}",
            _BOTH,
        ),
        "databases.stock: it shares a database with shop: expected one entry for both",
    ),
    "one place, written in two ways": (
        block('shop: {source: "host=A dbname=s", target: "postgresql://me:secret@a:5432/s"}'),
        "databases.shop: source and target are the same database",
    ),
    "a hook that nobody can check": (
        block(_SHOP.replace("}", ", fence: hook, capture: slot}")),
        "databases.shop: only triggers tell whether a hook stopped its writers: expected `capture: triggers`",
    ),
    "nine": (
        block(", ".join(f"d{n}: {{source: a{n}, target: b{n}}}" for n in range(9))),
        "databases: Dictionary should have at most 8 items",
    ),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_could_not_work_is_refused(case: str) -> None:
    text, says = _REFUSED[case]
    said = refusal(text)
    assert says in said
    assert "secret" not in said


def test_more_than_fits_into_a_commit_when_all_checkpoints_are_told_is_refused() -> None:
    told = f"databases: 8 databases told to 12 channels take 105 writes; expected at most {MOST_WRITES}"
    assert told in refusal(_many(8, 12))
    assert len(read(_many(8, 12, on="started")).databases) == 8  # nobody is told of checkpoints
    assert len(read(_many(8, 11)).databases) == 8


def _many(databases: int, channels: int, on: str = "checkpoint_lost") -> str:
    names = [f"d{number}" for number in range(databases)]
    to = ", ".join(f'"webhook:c{number}"' for number in range(channels))
    return block(
        ", ".join(f'{name}: {{source: "host=a dbname={name}", target: "host=b dbname={name}"}}' for name in names),
        ", ".join(f"back_{name}: {{data_sync: {name}}}" for name in names),
        f"components: {{site: [slot_swap], {', '.join(f'{name}: [back_{name}]' for name in names)}}}, budget: 5m",
        f"to: [{to}], on: [{on}]",
    )


def test_workloads_do_not_share_a_database() -> None:
    """Two ways back over one of them would fence each other's writers."""
    one = read(block())
    site = one.site.model_copy(update={"resource": one.site.resource.replace("/orders", "/billing")})
    other = one.model_copy(update={"workload": "billing", "site": site})
    assert clash(other, [one]) == "a database of it is one of workload orders already; expected one policy each"
    elsewhere = read(block(_SHOP.replace("dbname=s", "dbname=t")))
    assert clash(other, [elsewhere]) is None


_PLACES = [
    ("host=a dbname=s", ("a", "5432", "s")),
    ("host=A  port=6432 dbname = s password='x y'", ("a", "6432", "s")),
    ("hostaddr=10.0.0.1 user=keeper", ("10.0.0.1", "5432", "keeper")),
    ("postgresql://keeper:p%40ss@a.example/s?sslmode=verify-full", ("a.example", "5432", "s")),
    ("postgres://keeper@a.example:6432", ("a.example", "6432", "keeper")),
    ("postgresql:///s?host=a", ("a", "5432", "s")),
    ("host=a", None),
    ("dbname=s", None),
    ("a", None),
    ("host='a", None),
    ("postgresql://a:port/s", None),
]


@pytest.mark.parametrize(("conninfo", "place"), _PLACES)
def test_where_a_connection_string_leads(conninfo: str, place: tuple[str, str, str] | None) -> None:
    assert place_of(conninfo) == place
    assert bool(place_name(conninfo)) == (place is not None)


def test_the_name_of_a_place_is_one_however_it_is_written_and_says_nothing_of_it() -> None:
    written = place_name("host=A dbname=s password=secret")
    assert written == place_name("postgresql://other:word@a/s")
    assert written != place_name("host=a dbname=t")
    assert len(written) == 16
