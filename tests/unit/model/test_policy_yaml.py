"""Text that is no policy at all, and the parts of YAML that are not read here."""

import pytest

from tests.unit.model.policies import GOOD, changed, read, refusal

NO_MAPPING = "orders.yaml:1: expected a mapping with `workload`, `site`, `signals` and `triggers`"
NO_ALIASES = "anchors and aliases are not read here; write the value out"
TWICE = "this key stands twice; expected once"

NO_POLICY = [
    pytest.param("", NO_MAPPING, id="empty"),
    pytest.param("# nothing but a remark\n", NO_MAPPING, id="only a comment"),
    pytest.param("- workload: orders\n", NO_MAPPING, id="a list at the top"),
    pytest.param("orders", NO_MAPPING, id="a word"),
    pytest.param("workload: orders\n---\nworkload: other\n", "orders.yaml:2: not valid YAML", id="two documents"),
    pytest.param("workload: orders\n\tsite: x\n", "orders.yaml:2: not valid YAML: found character", id="a tab"),
    pytest.param("workload: 'orders\n", "not valid YAML", id="a quote that never ends"),
    pytest.param("workload: orders\n  site: x\n", "orders.yaml:2: not valid YAML", id="wrong indentation"),
    pytest.param("\x00\x01\x02\x7fELF", "orders.yaml: not valid YAML", id="binary"),
    pytest.param("PK\x03\x04" * 100, "orders.yaml: not valid YAML", id="a zip file"),
    pytest.param("workload: \ud800", "orders.yaml: not valid YAML", id="half a character"),
    pytest.param("x" * 300 * 1024, "orders.yaml: 307200 characters; a policy has at most 262144", id="300 KiB"),
    pytest.param("%YAML 9.0\n---\nworkload: orders\n", "not valid YAML", id="another version of YAML"),
    pytest.param("? [a, b]\n: c\n", "orders.yaml:1: policy: a key is a list", id="a list as a key"),
]


@pytest.mark.parametrize(("text", "said"), NO_POLICY)
def test_what_is_no_policy_is_refused(text: str, said: str) -> None:
    assert refusal(text).startswith(said) or said in refusal(text)


NOT_READ = [
    ("for: 60s", "for: 60s, for: 5s", f":17: triggers.critical[0].for: {TWICE}"),
    ("guards: {", "workload: again\nguards: {", f":26: workload: {TWICE}"),
    ("  1: {", '  "1": {}\n  1: {', f":26: levels.1: {TWICE}"),
    ("[decided, verified]", "&told [*told]", f":27: notify.on[0]: {NO_ALIASES}"),
    ("description: The shop's orders", "description: &it orders\nworkload: *it", NO_ALIASES),
    ("for: 60s", "<<: {for: 60s}", ":17: triggers.critical[0].<<: unknown key"),
    ("for: 60s", "for: !!python/object/apply:os.getcwd []", "python/object/apply"),
    ("for: 60s", "for: !duration 60s", "!duration"),
    ("for: 60s", "for: !!int soon", "orders.yaml"),
    ("for: 60s", "for: !!float soon", "orders.yaml"),
    ("for: 60s", "for: !!bool soon", "orders.yaml"),
    ("for: 60s", "for: !!timestamp soon", "orders.yaml"),
    ("for: 60s", "for: !!binary '#'", "orders.yaml"),
    ("looks: 2", "looks: 089", "orders.yaml"),
    ("looks: 2", f"looks: {'9' * 5_000}", "orders.yaml"),
    ("The shop's orders", '"\\U00110000"', "orders.yaml"),
]


@pytest.mark.parametrize(("old", "new", "said"), NOT_READ, ids=[new[:40] for _, new, _ in NOT_READ])
def test_parts_of_yaml_that_are_not_read_are_refused(old: str, new: str, said: str) -> None:
    assert said in refusal(changed(old, new))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
@pytest.mark.parametrize("depth", [50, 300, 440, 460, 480, 500, 900])
def test_deep_nesting_is_refused_and_never_exhausts_the_stack(opening: str, closing: str, depth: int) -> None:
    assert "orders.yaml" in refusal(f"workload:\n  {opening * depth}x{closing * depth}")


def test_a_number_with_a_leading_zero_is_decimal() -> None:
    assert read(changed("looks: 2", "looks: 010")).levels.traffic.verify.looks == 10


@pytest.mark.parametrize("text", ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), f"---\n{GOOD}...\n", GOOD.rstrip()])
def test_how_an_editor_saves_a_policy_does_not_matter(text: str) -> None:
    assert read(text).of_version("") == read().of_version("")


def test_on_is_a_key_and_not_true() -> None:
    assert len(read().notify.on) == 2


def test_a_setting_is_filled_in_as_text_and_never_as_yaml() -> None:
    text = refusal(changed("The shop's orders", '"%SITE%", extra: "%SITE%"'))
    assert "not valid YAML" in text


def test_half_a_character_written_as_an_escape_is_refused() -> None:
    assert "orders.yaml" in refusal(changed("The shop's orders", '"\\ud800"'))
