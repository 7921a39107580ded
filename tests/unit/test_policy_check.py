"""`python -m shared.policy check` refuses what the app would refuse."""

from pathlib import Path

import pytest

from shared.adapters.policy_files import read_policy_folder
from shared.policy import AnySettings, check
from tests.fakes.policies import TEXT


def written(folder: Path, *texts: str) -> list[Path]:
    files = [folder / f"{number}.yaml" for number, _ in enumerate(texts)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def test_a_sound_policy_is_counted_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, TEXT)
    assert check([file], {}) == 0
    assert capsys.readouterr().out == f"{file}: orders: 4 signals, 3 triggers, 1 road\n"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param(TEXT, "workload orders has a policy already; expected one each", id="one workload"),
        pytest.param(
            TEXT.replace("workload: orders", "workload: shop"),
            "site.resource is guarded as workload orders already; expected one policy each",
            id="one site",
        ),
        pytest.param("workload: [", "", id="no policy"),
    ],
)
def test_what_the_app_would_refuse_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: str, said: str
) -> None:
    files = written(tmp_path, TEXT, second)
    assert check(files, {}) == 1
    assert said in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ("log: nowhere.kql", "there is no log query nowhere.kql in kql"),
        ("log: dtu.kql", "log query dtu.kql: parameter database_id has no value; expected `with: {database_id: ...}`"),
        (
            "log: exceptions.kql, with: {severity: high}",
            "log query exceptions.kql: parameter severity must be of",
        ),
        (
            "log: exceptions.kql, with: {level: 3}",
            "log query exceptions.kql: it takes no parameter 'level'",
        ),
    ],
)
def test_values_that_do_not_fit_a_log_query_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], signal: str, said: str
) -> None:
    (file,) = written(tmp_path, TEXT.replace("signals:\n", f"signals:\n  asked: {{{signal}, workspace: w}}\n"))
    assert check([file], {}) == 1
    assert capsys.readouterr().out.startswith(f"{file}: signals.asked: {said}")


_SETTINGS_EVERYWHERE = """\
workload: shop
site: {resource: "%SITE%", url: "%FRONT%"}
signals: {errors: {probe: /health, share: failed}}
triggers: {critical: [{name: errors, when: errors > 5%}]}
roads:
  spread: {traffic_manager: "%TM%", name: "%TM_NAME%", endpoints: {old: 1}, resolves_to: ["%OLD%"]}
  names: {dns: "%ZONE%", records: {api: {cname: "%OLD%"}}, resolvers: ["%RESOLVER%"]}
  edge: {front_door: "%GROUP%", url: "%EDGE%", origins: {old: 1}}
  switch: {hook: "%HOOK%", read_back: "%STATE%", secret: "%SECRET%", expect: {side: old}}
reach: {hosts: [any.example]}
levels: {1: {components: {a: [spread], b: [names], c: [edge], d: [switch]}}}
"""


def test_any_settings_fit_whatever_they_stand_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, _SETTINGS_EVERYWHERE)
    assert check([file], AnySettings()) == 0
    assert capsys.readouterr().out == f"{file}: shop: 1 signal, 1 trigger, 4 roads\n"


def test_any_settings_excuse_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, _SETTINGS_EVERYWHERE.replace("old: 1", "old: disabled"))
    assert check([file], AnySettings()) == 1
    assert "all of these would be disabled" in capsys.readouterr().out


def test_a_setting_that_does_not_fit_is_named_and_what_it_holds_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = written(tmp_path, TEXT.replace("https://orders.example", "%FRONT%"))
    assert check([file], {"FRONT": "hunter2"}) == 1
    said = capsys.readouterr().out
    assert "site.url: what the app setting FRONT holds cannot be used here" in said
    assert "hunter2" not in said


_LIVE = TEXT.replace("notify:", "levels: {1: {}, 3: {roads: [slot_swap], drill: {on: staging}}}\nnotify:")
_STAGING = TEXT.replace("workload: orders", "workload: staging").replace("sites/orders", "sites/staging")
_UNWILLING = (
    "orders names staging in levels.3.drill.on, which does not agree to it; "
    "expected `drill_target: true` in the policy of staging"
)


@pytest.mark.parametrize("order", [1, -1])
def test_a_target_of_drills_that_does_not_agree_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], order: int
) -> None:
    files = written(tmp_path, *(_LIVE, _STAGING)[::order])
    assert check(files, {}) == 1
    assert capsys.readouterr().out.splitlines()[-1] == _UNWILLING
    folder = read_policy_folder(tmp_path, {})
    assert folder.problems == (_UNWILLING,)
    assert set(folder.policies) == {"orders", "staging"}  # both go on being watched


def test_a_target_of_drills_that_agrees_is_none_of_anybodys_problems(tmp_path: Path) -> None:
    files = written(tmp_path, _LIVE, f"drill_target: true\n{_STAGING}")
    assert check(files, {}) == 0
    assert read_policy_folder(tmp_path, {}).problems == ()


def test_a_target_that_is_not_there_is_no_target_that_refuses(tmp_path: Path) -> None:
    assert check(written(tmp_path, _LIVE), {}) == 0
