"""A signal of damage: what is read, and what is refused where."""

from datetime import timedelta

import pytest

from shared.model.policy_signals import DamageSignal
from tests.unit.model.policies import changed, read, refusal

_GOOD = changed("  memory: {alert: MemoryPressure}\n", "  memory: {alert: MemoryPressure}\n  damage: {damaged: shop}\n")
_GOOD = _GOOD.replace("  warning:\n", "    - {name: damage, when: damage > 0}\n  warning:\n")
_GOOD += 'databases:\n  shop: {source: "host=old", target: "host=new"}\n'
_REFUSED = {
    "unknown database": (
        "damaged: shop",
        "damaged: shoe",
        ":15: signals.damage.damaged: unknown database 'shoe'; expected one of: shop",
    ),
    "a slot": (
        'target: "host=new"}',
        'target: "host=new", capture: slot}',
        ":15: signals.damage.damaged: 'shop' has `capture: slot`; expected `capture: triggers`",
    ),
    "nothing of it": ("damaged: shop}", "damaged: shop, sample: 0%}", ":15: signals.damage.sample: "),
    "more than all of it": ("damaged: shop}", "damaged: shop, sample: 101%}", ":15: signals.damage.sample: "),
    "always": ("damage > 0", "damage >= 0", "impossible threshold: the signal lies in 0 to inf"),
    "two sources": ("damaged: shop}", "damaged: shop, probe: /x}", "signals.damage: a signal names exactly one source"),
}


def test_it_names_a_database_and_has_defaults() -> None:
    signal = read(_GOOD).signals["damage"]
    assert isinstance(signal, DamageSignal)
    assert (signal.source, signal.damaged, signal.sample) == ("damaged", "shop", 0.01)
    assert (signal.every, signal.timeout) == (timedelta(seconds=60), timedelta(seconds=20))


@pytest.mark.parametrize("kind", list(_REFUSED))
def test_a_broken_one_is_refused_where_it_is_broken(kind: str) -> None:
    old, new, said = _REFUSED[kind]
    assert _GOOD.count(old) == 1
    assert said in refusal(_GOOD.replace(old, new))
