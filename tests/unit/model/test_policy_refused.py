"""Broken policies: what is changed in the good one, and the refusal with its file, line, path and expectation."""

import pytest

from shared.errors import InvalidInput, PolicyError
from tests.unit.model.policies import GOOD, changed, read, refusal

UNKNOWN_KEY = "unknown key; expected one that docs/policy.md lists"
IMPOSSIBLE = "impossible threshold: the signal lies in "

BROKEN = [
    # unknown keys, at each level of the file
    ("guards: {", "guard: {", f":26: guard: {UNKNOWN_KEY}"),
    ("  good_slot: last-good\n", "  good_slot: last-good\n  slot: x\n", f":8: site.slot: {UNKNOWN_KEY}"),
    ("setting: BUILD_ID", "settings: BUILD_ID", f":8: site.build.settings: {UNKNOWN_KEY}"),
    ("every: 5s", "evry: 5s", f":10: signals.error_rate.evry: {UNKNOWN_KEY}"),
    ("  investigation:", "  minor:", f":21: triggers.minor: {UNKNOWN_KEY}"),
    ("for: 60s", "during: 60s", f":17: triggers.critical[0].during: {UNKNOWN_KEY}"),
    ("  1: {budget", "  7: {budget", f":25: levels.7: {UNKNOWN_KEY}"),
    ("budget: 30s", "bugdet: 30s", f":25: levels.1.bugdet: {UNKNOWN_KEY}"),
    ("looks: 2", "look: 2", f":25: levels.1.verify.look: {UNKNOWN_KEY}"),
    ("cool_down: 15m", "cooldown: 15m", f":26: guards.cooldown: {UNKNOWN_KEY}"),
    ("notify: {to", "notify: {too", f":27: notify.too: {UNKNOWN_KEY}"),
    # missing
    ("workload: orders\n", "", ":1: workload: missing; expected a value"),
    (
        "  good_slot: last-good\n",
        "",
        ":24: levels.1.roads: the road slot_swap needs the slot that holds the known good; ",
    ),
    ("name: slow, ", "", ":19: triggers.warning[0].name: missing; expected a value"),
    ('workspace: "%WORKSPACE%", ', "", ":12: signals.slow_share.workspace: missing; expected a value"),
    # units
    ("for: 60s", "for: 60", ":17: triggers.critical[0].for: 60 is not a duration; write a number and a unit"),
    ("for: 60s", "for: 1:30", ":17: triggers.critical[0].for: '1:30' is not a duration"),
    ("for: 60s", "for: 60 seconds", ":17: triggers.critical[0].for: '60 seconds' is not a duration"),
    ("for: 60s", "for: -60s", ":17: triggers.critical[0].for: '-60s' is not a duration"),
    ("at_least: 20 requests", "at_least: 0", ":17: triggers.critical[0].at_least: 0 is not a count; write a whole"),
    ("at_least: 20 requests", "at_least: 20 users", ":17: triggers.critical[0].at_least: '20 users' is not a count"),
    ("error_rate > 5%", "error_rate > 5s", ":17: triggers.critical[0].when: '5s' has the wrong unit; the signal is a"),
    ("p95 > 2000ms", "p95 > 2000", ":19: triggers.warning[0].when: '2000' has the wrong unit; the signal is a latency"),
    ("confidence < 5", "confidence < 5%", ":20: triggers.warning[1].when: '5%' has the wrong unit; the signal is a pl"),
    ("p95 > 2000ms", "p95 > 2 min", ":19: triggers.warning[0].when: '2 min' is not a number with a unit; write for"),
    # conditions and signals
    ("error_rate > 5%", "error_rate is high", ":17: triggers.critical[0].when: 'error_rate is high' has the wrong fo"),
    (
        "error_rate > 5%",
        "errors > 5%",
        "unknown signal 'errors'; expected one of: confidence, error_rate, memory, p95, ",
    ),
    ("error_rate > 5%", "error_rate > 100%", f":17: triggers.critical[0].when: {IMPOSSIBLE}0 to 1"),
    ("error_rate > 5%", "error_rate > 500%", f"{IMPOSSIBLE}0 to 1"),
    ("error_rate > 5%", "error_rate < 0%", f"{IMPOSSIBLE}0 to 1"),
    ("error_rate > 5%", "error_rate > -1%", f"{IMPOSSIBLE}0 to 1"),
    ("error_rate > 5%", "error_rate >= 0%", f"{IMPOSSIBLE}0 to 1"),
    ("error_rate > 5%", "error_rate <= 100%", f"{IMPOSSIBLE}0 to 1"),
    ("p95 > 2000ms", "p95 < 0ms", f":19: triggers.warning[0].when: {IMPOSSIBLE}0 to inf"),
    ("confidence < 5", "confidence > 10", f":20: triggers.warning[1].when: {IMPOSSIBLE}0 to 10"),
    ("confidence < 5", "confidence < 0", f"{IMPOSSIBLE}0 to 10"),
    ("confidence < 5", "confidence >= 0", f"{IMPOSSIBLE}0 to 10"),
    ("scale: [0, 10]", "scale: [10, 0]", ":13: signals.confidence.scale"),
    ("share: failed, ", "", ":10: signals.error_rate: a probe measures one thing: write either `share: failed` or "),
    ("share: failed", "share: failed, latency: p95", ":10: signals.error_rate: a probe measures one thing"),
    ("{probe: /health, share: failed, every: 5s}", "{}", ":10: signals.error_rate: a signal names exactly one source"),
    ("{alert: MemoryPressure}", "{alert: A, log: a.kql}", ":14: signals.memory: a signal names exactly one source: p"),
    ("  p95: {", "  P95: {", ":11: signals.P95: 'P95' has the wrong form"),
    ("every: 5s", "every: 0s", ":10: signals.error_rate.every"),
    # triggers
    ("name: slow", "name: errors", ":17: triggers.critical[0].name: 'errors' is the name of 2 triggers; expected one"),
    ("name: slow", "name: errors", ":19: triggers.warning[0].name: 'errors' is the name of 2 triggers; expected one"),
    ("at_least: 20 requests", "at_least: 66", ":17: triggers.critical[0].at_least: the probe sends at most 65 req"),
    ("for: 10m}", "for: 10m, over: 5m}", ":19: triggers.warning[0].over: only a share can be pooled over an interval"),
    ("max_gap: 4m", "max_gap: 59s", ":23: triggers.investigation[1].max_gap: shorter than the signal's own rhythm; e"),
    # the site and who is told
    ("  region: westeurope\n", "", ":10: signals.p95: a metric is read from its region; expected site.region, such a"),
    ("https://orders.example", "https://orders.example/", ":6: site.url: 'https://orders.example/' has the wrong f"),
    ('"%SITE%"', '"%SHOP%"', ":4: site.resource: the app setting SHOP is not set; expected a value for %SHOP%"),
    ('"%SITE%"', '"%site%"', ":4: site.resource: the app setting site is not set"),
    ("webhook:ops", "pigeon:ops", ":27: notify.to[0]: 'pigeon:ops' has the wrong form"),
    ('["webhook:ops"]', "[webhook:ops, webhook:ops]", ":27: notify.to[1]: 'webhook:ops' stands twice; expected each"),
    ("on: [decided, ", "on: [everything, ", ":27: notify.on[0]: Input should be 'change_started'"),
    # what YAML 1.1 would have read otherwise
    ("observe_only: false", "observe_only: yes", ":26: guards.observe_only: Input should be a valid boolean"),
    ("observe_only: false", "observe_only: off", ":26: guards.observe_only: Input should be a valid boolean"),
    ("cool_down: 15m", "cool_down: 15:00", ":26: guards.cool_down: '15:00' is not a duration"),
    ("name: slow", "name: 2026-03-01", ":19: triggers.warning[0].name: '2026-03-01' has the wrong form"),
]


@pytest.mark.parametrize(
    ("old", "new", "said"), BROKEN, ids=[f"{new or 'no ' + old}".strip() for old, new, _ in BROKEN]
)
def test_a_broken_policy_is_refused_where_it_is_broken(old: str, new: str, said: str) -> None:
    text = refusal(changed(old, new))
    assert said in text
    assert text.startswith("orders.yaml:")


def test_a_refusal_is_one_sentence_per_problem_and_nothing_else() -> None:
    text = refusal(changed("for: 60s", "for: 1:30"))
    assert text == (
        "orders.yaml:17: triggers.critical[0].for: '1:30' is not a duration; "
        "write a number and a unit, such as 250ms, 60s, 10m, 2h or 7d"
    )


def test_all_problems_of_a_policy_are_told_at_once() -> None:
    broken = (
        changed("error_rate > 5%", "errors > 5%").replace("p95 > 2000ms", "p95 > 5%").replace("region: westeurope", "")
    )
    places = [part.split(": ")[:2] for part in refusal(broken).split("; orders.yaml")]
    assert places == [
        ["orders.yaml:11", "signals.p95"],
        [":17", "triggers.critical[0].when"],
        [":19", "triggers.warning[0].when"],
    ]


def test_all_missing_settings_are_told_at_once() -> None:
    text = refusal(changed('"%SITE%"', '"%A%/%B%"'))
    assert "the app setting A is not set" in text
    assert "the app setting B is not set" in text


def test_a_policy_without_triggers_is_refused() -> None:
    before, _, after = GOOD.partition("triggers:\n")
    text = refusal(f"{before}triggers: {{critical: []}}\nlevels:{after.partition('levels:')[2]}")
    assert text == "orders.yaml:15: triggers: no triggers: nothing would ever be decided; expected at least one"


def test_a_scale_is_in_the_unit_of_its_signal() -> None:
    percent = changed("scale: [0, 10]", "unit: percent, scale: [0, 100]")
    read(percent.replace("confidence < 5", "confidence < 50%"))
    text = refusal(percent.replace("confidence < 5", "confidence > 150%"))
    assert IMPOSSIBLE in text


def test_a_scale_that_starts_above_one_percent_allows_what_lies_in_it() -> None:
    percent = changed("scale: [0, 10]", "unit: percent, scale: [10, 100]")
    read(percent.replace("confidence < 5", "confidence < 50%"))


def test_a_policy_error_is_invalid_input() -> None:
    assert issubclass(PolicyError, InvalidInput)


@pytest.mark.parametrize("key", ["hold_for", "traffic"])
def test_a_name_that_only_the_code_knows_is_an_unknown_key(key: str) -> None:
    old, new = {"hold_for": ("for: 60s", "hold_for: 60s"), "traffic": ("  1: {", "  traffic: {")}[key]
    assert f"{key}: {UNKNOWN_KEY}" in refusal(changed(old, new))
