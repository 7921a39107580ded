"""What setting a flag's percentage does to whoever visits the site, and to all that is in the flag besides."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.demo_site.features import Visitor, is_on
from shared.adapters.feature_flags import shown, why_no_share, with_share

Json = dict[str, Any]

names = st.sampled_from(["ann", "bob", "cy"])
percents = st.integers(0, 100) | st.floats(0, 100) | st.sampled_from(["50", None, True])
things = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
audiences = st.fixed_dictionaries(
    {"DefaultRolloutPercentage": percents},
    optional={
        "Users": st.lists(names),
        "Groups": st.lists(st.fixed_dictionaries({"Name": st.just("staff"), "RolloutPercentage": st.integers(0, 100)})),
        "x": things,
    },
)
targeting = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Microsoft.Targeting"]),
        "parameters": st.fixed_dictionaries({"Audience": audiences}, optional={"x": things}),
    }
)
percentage = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Microsoft.Percentage"]),
        "parameters": st.fixed_dictionaries({"Value": percents}, optional={"x": things}),
    }
)
other = st.fixed_dictionaries({"name": st.just("Company.Weather")}, optional={"parameters": things})


def flags_of(filters: st.SearchStrategy[Json], at_least: int = 0) -> st.SearchStrategy[Json]:
    some = st.lists(filters, min_size=at_least, max_size=3)
    conditions = st.fixed_dictionaries({"client_filters": some}, optional={"x": things})
    return st.fixed_dictionaries(
        {"enabled": st.booleans(), "conditions": conditions}, optional={"x": things, "variants": st.just([])}
    )


flags = flags_of(targeting | percentage | other)
shares = st.sampled_from([0.0, 0.07, 0.125, 0.29, 0.5, 0.57, 1.0]) | st.floats(0, 1)
visitors = st.builds(Visitor, names, st.frozensets(st.just("staff")))


@given(flags, shares)
def test_twice_is_as_once(flag: Json, share: float) -> None:
    once = with_share(flag, share)
    assert json.dumps(with_share(once, share)) == json.dumps(once)


@given(flags, visitors)
def test_a_share_of_nothing_leaves_nobody_on_it(flag: Json, visitor: Visitor) -> None:
    assert not is_on(with_share(flag, 0), "checkout", visitor)


@given(flags_of(targeting | percentage), visitors)
def test_a_share_of_all_leaves_nobody_off_it(flag: Json, visitor: Visitor) -> None:
    assert is_on(with_share(flag, 1), "checkout", visitor)


@given(flags, shares)
def test_nothing_else_in_it_changes(flag: Json, share: float) -> None:
    before = json.dumps(flag)
    wanted = with_share(flag, share)
    assert json.dumps(flag) == before, "the flag that was given is not touched"
    assert _blank(wanted) == _blank(flag)
    assert list(wanted) == list(flag)


@given(flags_of(targeting | percentage, at_least=1), shares)
def test_percentages_are_those_that_people_write(flag: Json, share: float) -> None:
    seen = shown(with_share(flag, share))
    assert seen["enabled"] is (share > 0)
    assert all(abs(each - share * 100) < 1e-5 for each in seen["percentages"])
    assert all(len(repr(each)) <= 10 for each in seen["percentages"])
    assert why_no_share(flag, share) is None


def _blank(flag: Json) -> str:
    """Return the flag with a blank in each place that is steered."""
    copy = json.loads(json.dumps(flag)) | {"enabled": None}
    for entry in copy["conditions"]["client_filters"]:
        if entry["name"] == "Microsoft.Targeting":
            entry["parameters"]["Audience"]["DefaultRolloutPercentage"] = None
        elif entry["name"] == "Microsoft.Percentage":
            entry["parameters"]["Value"] = None
    return json.dumps(copy)
