"""Control, strategies and reactions in a policy: what is read, and what is refused where."""

import pytest
from pydantic import ValidationError

from shared.model.command import Checkpoint, CommandBody, Error, Start, fingerprint, read_message
from tests.unit.model.policies import changed, read, refusal

_BLOCK = """\
strategies:
  full: {level: 1}
  partial: {level: 1, components: [web]}
  percentage: {level: 1, road: flag, share: 25%}
  checkpoint: {does: pause}
  table: {level: 2}
control: {hook: "https://orders.example/hook", secret: "long enough to sign", when_blind: pause, resume: by_itself}
roads:
  flag: {app_configuration: "https://flags.example", flag: shop}
levels:
  1: {components: {site: [slot_swap], web: [flag]}, verify: {checks: {front: {get: /}}}}
  2: {roads: [slot_swap]}
"""
GOOD = changed("levels:\n  1: {budget: 30s, verify: {path: /front, looks: 2}}\n", _BLOCK)


def with_block(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} stands {GOOD.count(old)} times"
    return GOOD.replace(old, new)


def test_control_and_strategies_are_read() -> None:
    found = read(GOOD)
    assert found.control.hook == "https://orders.example/hook"
    assert (found.control.when_blind, found.control.resume) == ("pause", "by_itself")
    assert found.strategies["percentage"].share == 0.25
    assert found.strategies["partial"].components == ("web",)


def test_without_them_a_blind_change_slows_down_and_a_person_resumes() -> None:
    control = read().control
    assert (control.hook, control.when_blind, control.resume) == (None, "slow", "by_hand")


_SLOW = "{name: slow, when: p95 > 2000ms, for: 10m}"
_MEMORY = "{name: memory, when: memory >= 1}"
BROKEN = [
    ("full: {level: 1}", "full: {level: 3}", "strategies.full.level: there is no level 3; expected one of: 1, 2"),
    ("full: {level: 1}", "full: {}", "strategies.full: a strategy is one thing: write either `level: 1` or"),
    ("full: {level: 1}", "full: {level: 1, does: pause}", "strategies.full: a strategy is one thing"),
    ("{does: pause}", "{does: pause, road: flag}", "strategies.checkpoint: what holds the change up steers nothing"),
    ("{does: pause}", "{does: stop}", "strategies.checkpoint.does: Input should be 'pause' or 'slow'"),
    ("[web]}", "[auth]}", "strategies.partial.components: unknown component 'auth'; expected one of: site, web"),
    (
        "road: flag,",
        "road: dns,",
        "strategies.percentage.road: level 1 has no road 'dns'; expected one of: slot_swap, ",
    ),
    ("road: flag,", "road: slot_swap,", "strategies.percentage.share: the road 'slot_swap' has no share; expected an"),
    ("road: flag, ", "", "strategies.percentage: a share of what? expected the `road` that is set to it"),
    ("orders.example/hook", "hooks.example/x", "control.hook: the host hooks.example is not named; expected it in re"),
    (', secret: "long enough to sign"', "", "control: a hook is told by signed calls: write both `hook` and `secret`"),
    ("long enough to sign", "short", "control.secret: String should have at least 16 characters"),
    ("when_blind: pause", "when_blind: stop", "control.when_blind: Input should be 'run', 'slow' or 'pause'"),
    (_SLOW, _SLOW[:-1] + ", strategy: all}", "triggers.warning[0].strategy: unknown strategy 'all'; expected one of: "),
    (_SLOW, _SLOW[:-1] + ", does: roll_back}", "triggers.warning[0].does: warning cannot roll_back; expected ask"),
    (_MEMORY, _MEMORY[:-1] + ", does: ask}", "triggers.investigation[0].does: investigation cannot ask; expected pa"),
    (_MEMORY, _MEMORY[:-1] + ", strategy: full}", "triggers.investigation[0].strategy: investigation takes nothing ba"),
    (
        _SLOW,
        _SLOW[:-1] + ", does: tell, strategy: all}",
        "triggers.warning[0].strategy: what only tells carries nothing",
    ),
    (
        _MEMORY,
        _MEMORY[:-1] + ", confidence: 101%}",
        "triggers.investigation[0].confidence: '101%' is no share; expecte",
    ),
    (_MEMORY, _MEMORY[:-1] + ", while: always}", "triggers.investigation[0].while: Input should be 'change'"),
    (_MEMORY, _MEMORY[:-1] + ", only_while: change}", "triggers.investigation[0].only_while: unknown key"),
    ("migration.confidence", "change.mood", "signals.confidence.pushed: no change says 'change.mood' of itself; expec"),
    ("migration.confidence", "change.errors.fatal", "signals.confidence.pushed: no change says 'change.errors.fatal'"),
    ("migration.confidence", "change.errors.high", "signals.confidence.scale: not the scale of what a change says of"),
    ("scale: [0, 10]", "scale: [0, 5]", None),
    ("migration.confidence, scale: [0, 10]", "change.confidence, scale: [0, 8]", "expected [0, 10]"),
    ("migration.confidence, scale: [0, 10]", "change.confidence, unit: ms", "signals.confidence.unit: what a change"),
]


@pytest.mark.parametrize(("old", "new", "said"), BROKEN, ids=[f"{new or 'no ' + old}" for old, new, _ in BROKEN])
def test_what_is_wrong_is_said_where_it_is(old: str, new: str, said: str | None) -> None:
    if said is None:  # what the workload pushes under a name of its own has a scale of its own
        read(with_block(old, new).replace("confidence < 5", "confidence < 2"))
    else:
        assert said in refusal(with_block(old, new))


def test_somebody_watches_between_changes() -> None:
    text = GOOD.replace("}\n  warning", ", while: change}\n  warning")
    read(text)
    lines = [line[:-1] + ", while: change}" if line.startswith("    - {") else line for line in GOOD.splitlines()]
    assert "triggers: all of them wait for a change, so that nobody watches between two" in refusal("\n".join(lines))


@pytest.mark.parametrize("word", ["pause", "resume", "slow", "complete", "fail", "checkpoint"])
def test_a_command_is_told_by_its_word(word: str) -> None:
    assert CommandBody.model_validate({"command": word, "id": "k1", "change": "c1"}).root.command == word


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "stop"},
        {"command": "pause", "why": "because"},
        {"command": "pause", "id": ""},
        {"command": "pause", "id": "a b"},
        {"command": "pause", "reason": "  "},
        {"command": "pause", "reason": "x" * 501},
        {"command": "start"},
        {"command": "start", "build": "b 2"},
        {"command": "start", "build": "b2", "change": "c1"},
        {"command": "start", "build": "b2", "kind": "party"},
        {"command": "checkpoint", "confidence": 10.1},
        {"command": "checkpoint", "confidence": "8"},
        {"command": "checkpoint", "confidence": float("nan")},
        {"command": "checkpoint", "counts": {"rows": -1}},
        {"command": "checkpoint", "counts": {"rows": 1.5}},
        {"command": "checkpoint", "counts": {"a row": 1}},
        {"command": "checkpoint", "counts": {f"n{n}": 1 for n in range(51)}},
        {"command": "error", "severity": "fatal", "text": "x"},
        {"command": "error", "severity": "high"},
        {"workload": "orders", "command": "pause"},
        [],
        None,
    ],
)
def test_what_is_no_command_is_refused(body: object) -> None:
    with pytest.raises(ValidationError):
        CommandBody.model_validate(body)


def test_by_queue_the_same_body_names_its_workload() -> None:
    message = {"workload": "orders", "command": "error", "severity": "low", "text": "slow row"}
    assert read_message(message) == ("orders", Error(severity="low", text="slow row"))
    wrongs: list[object] = [{"command": "pause"}, {"workload": 7, "command": "pause"}, {"workload": "orders"}, [], None]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            read_message(wrong)


def test_two_commands_under_one_id_are_told_apart() -> None:
    assert fingerprint(Start(id="k", build="b2")) == fingerprint(Start(id="k", build="b2"))
    assert fingerprint(Start(id="k", build="b2")) != fingerprint(Start(id="k", build="b3"))
    assert fingerprint(Checkpoint(id="k", counts={"a": 1})) != fingerprint(Checkpoint(id="k", counts={"a": 2}))
