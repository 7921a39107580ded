"""The command as people run it, on the example of docs/replay.md."""

import json
from pathlib import Path

import pytest

from shared.replay.__main__ import main

_EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "replay"
_POLICY, _SAMPLES, _LABELS = (str(_EXAMPLE / name) for name in ("orders.yaml", "samples.csv", "labels.csv"))
_RUN = (_POLICY, _SAMPLES, "--any-settings")
_DOCUMENT = (_EXAMPLE.parents[1] / "replay.md").read_text(encoding="utf-8")


def test_it_prints_what_the_document_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--labels", _LABELS, "--changes", _LABELS], {}) == 0
    out = capsys.readouterr().out
    assert f"```\n{out.strip()}\n```" in _DOCUMENT


def test_a_sweep_prints_the_table_that_the_document_shows(capsys: pytest.CaptureFixture[str]) -> None:
    sweeps = ["--sweep", "errors.threshold=2%,5%,50%", "--sweep", "errors.for=20s,60s"]
    assert main([*_RUN, "--labels", _LABELS, "--unlimited", *sweeps], {}) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.strip().splitlines()]
    assert "```\n{}\n```".format("\n".join(printed)) in _DOCUMENT


def test_json_is_a_line_for_each_moment_and_one_that_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--labels", _LABELS, "--json"], {}) == 0
    *moments, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    decided = next(moment for moment in moments if moment["action"] == "roll_back")
    assert (decided["at"], decided["trigger"], decided["level"]) == ("2026-03-01T12:21:00Z", "errors", 1)
    assert {event["kind"] for event in decided["events"]} == {"firing", "decided"}
    assert (end["cycles"], end["recall"], end["rollbacks"]) == (360, 1.0, 1)
    assert [alarm["trigger"] for alarm in end["alarms"]] == ["errors", "slow"]


def test_json_of_a_sweep_is_a_line_for_each_variant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--sweep", "errors.threshold=2%,50%", "--json"], {}) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["sweep"] for one in found] == [{"errors.threshold": "2%"}, {"errors.threshold": "50%"}]
    assert [len(one["alarms"]) for one in found] == [2, 1]


def test_every_cycle_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--json", "--every-cycle"], {}) == 0
    assert len(capsys.readouterr().out.splitlines()) == 361


def test_a_gate_that_is_met_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--labels", _LABELS, "--require", "recall>=0.9,false_alarms<=0.02,delay<=1m"], {}) == 0
    assert capsys.readouterr().err == ""


def test_a_gate_that_is_missed_says_so_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--labels", _LABELS, "--require", "recall>=0.9,recall_low>=0.9"], {}) == 1
    assert capsys.readouterr().err == "not met: recall_low>=0.9: recall_low is 0.1581\n"


def test_unlimited_lets_nothing_of_its_own_hold_it_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_RUN, "--sweep", "errors.for=20s", "--json"], {}) == 0
    limited = json.loads(capsys.readouterr().out)
    assert main([*_RUN, "--sweep", "errors.for=20s", "--json", "--unlimited"], {}) == 0
    unlimited = json.loads(capsys.readouterr().out)
    assert (limited["rollbacks"], bool(limited["held_back"])) == (1, True)
    assert (unlimited["rollbacks"], unlimited["held_back"]) == (7, {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yaml", _SAMPLES], "nowhere.yaml: there is no such file; expected a policy"),
        ([_POLICY, "nowhere.csv", "--any-settings"], "nowhere.csv: there is no such file; expected a recording"),
        ([_POLICY, _SAMPLES], "the app setting ORDERS_SITE_ID is not set"),
        ([*_RUN, "--labels", "nowhere.csv"], "nowhere.csv: there is no such file; expected CSV"),
        ([*_RUN, "--require", "recall>=0.9"], "--require: nobody can tell without labels"),
        ([*_RUN, "--labels", _LABELS, "--require", "recall>=1", "--sweep", "errors.for=1s"], "expected no --sweep"),
        ([_POLICY, _LABELS, "--any-settings"], "labels.csv:1: the first line has no column 'signal'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments, {}) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_recording_of_other_signals_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.csv"
    other.write_text("signal,at,value\nlatency,2026-03-01T12:00:00Z,1\n", encoding="utf-8")
    assert main([_POLICY, str(other), "--any-settings"], {}) == 2
    assert "the recording holds latency; expected signals of the policy: error_rate, p95" in capsys.readouterr().err


_WRONG_LABELS = {
    "from,to\n": "labels.csv:1: faulty: expected the columns from, to, faulty",
    "from,to,faulty,mood\n": "labels.csv:1: mood: expected the columns",
    "from,to,faulty\n2026-03-01T12:00:00Z,2026-03-01T12:10:00Z,maybe\n": "labels.csv:2: faulty: 'maybe'; expected",
    "from,to,faulty\n2026-03-01T12:00:00Z,soon,yes\n": "labels.csv:2: to: 'soon' is no moment",
    "from,to,faulty\n2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,yes\n": "labels.csv:2: to: it ends before it begins",
    "from,to,faulty\n2026-03-01T12:00:00Z,2026-03-01T12:10:00Z\n": "labels.csv:2: expected 3 columns",
    "from,to,faulty\n2026-03-01T12:00:00Z,2026-03-01T12:10:00Z,yes\n2026-03-01T12:05:00Z,2026-03-01T12:20:00Z,no\n": (
        "labels.csv:3: from: overlaps with the one that ends at 2026-03-01 12:10:00 UTC"
    ),
}


@pytest.mark.parametrize(("text", "said"), _WRONG_LABELS.items(), ids=list(_WRONG_LABELS.values()))
def test_labels_that_are_wrong_are_refused_at_their_place(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text, encoding="utf-8")
    assert main([*_RUN, "--labels", str(labels)], {}) == 2
    assert said in capsys.readouterr().err
