"""What is wrong with a journey is found before it is made."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.journey_problems import journey_problems, say_request, variables_of
from shared.model.policy_verify import Exchange, GetCheck, JourneyCheck

_LOGIN = {"post": "/login", "body": {"user": "probe"}, "capture": {"token": "token"}}
_ORDER = {
    "post": "/orders",
    "headers": {"Authorization": "Bearer {token}"},
    "body": {"item": "hat"},
    "capture": {"order": "id"},
}


def problems(*journey: dict[str, Any], clean_up: tuple[dict[str, Any], ...] = ()) -> list[str]:
    return list(journey_problems(JourneyCheck.model_validate({"journey": journey, "clean_up": clean_up})))


def test_what_an_earlier_request_captures_may_be_used_anywhere() -> None:
    use = {
        "put": "/orders/{order}?as={token}",
        "headers": {"x-build": "{known_good}"},
        "body": {"notes": [{"text": "for {token}"}]},
        "expect": {"id": "{order}", "build": "{known_good}"},
    }
    assert problems(_LOGIN, _ORDER, use, clean_up=({"delete": "/orders/{order}"},)) == []


@pytest.mark.parametrize(
    "use",
    [
        {"get": "/orders/{order}"},
        {"get": "/", "headers": {"x": "a {order}"}},
        {"post": "/", "body": ["{order}"]},
        {"post": "/", "body": {"a": {"b": "{order}"}}},
        {"get": "/", "expect": {"id": "{order}"}},
    ],
)
def test_a_name_must_be_captured_before_it_is_used(use: dict[str, Any]) -> None:
    (said,) = problems(_LOGIN, use, _ORDER | {"headers": {}})
    assert said.startswith(f"step 2 of 3, {say_request(Exchange.model_validate(use))}: {{order}} stands for nothing")
    assert said.endswith("expected one of: known_good, token")


def test_a_request_cannot_use_what_it_captures_itself() -> None:
    (said,) = problems({"get": "/orders/{order}", "capture": {"order": "id"}})
    assert "{order} stands for nothing yet" in said


def test_a_clean_up_knows_what_the_whole_journey_captures_and_no_more() -> None:
    (said,) = problems(_LOGIN, _ORDER, clean_up=({"delete": "/orders/{order}"}, {"delete": "/users/{user}"}))
    assert said.startswith("clean-up 2 of 2, DELETE /users/{user}: {user} stands for nothing yet")


@pytest.mark.parametrize("target", ["https://{known_good}.example/", "http://{known_good}", "https://a:{known_good}/x"])
def test_the_host_of_a_target_is_written_out(target: str) -> None:
    (said,) = problems({"get": target})
    assert said.endswith("a variable stands in the host; expected a host that is written out")


def test_the_build_to_go_back_to_is_captured_by_nobody() -> None:
    (said,) = problems(_LOGIN | {"capture": {"known_good": "build"}})
    assert "captures known_good" in said


def test_one_request_knows_the_build_and_nothing_else() -> None:
    assert list(journey_problems(GetCheck(get="/builds/{known_good}"))) == []
    (said,) = journey_problems(GetCheck(get="/orders/{order}"))
    assert said == "GET /orders/{order}: {order} stands for nothing yet; expected one of: known_good"


@pytest.mark.parametrize("text", ["{}", "{A}", "{a b}", "{1}", '{"a": 1}', "{" + "a" * 41 + "}", "{a"])
def test_other_braces_are_text(text: str) -> None:
    assert variables_of(Exchange(post="/", body=text)) == set()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/orders?code=secret", "GET /orders"),
        ("https://api.example:81/v1/{id}?code=secret#secret", "GET api.example:81/v1/{id}"),
        ("http://api.example", "GET api.example"),
    ],
)
def test_a_request_is_told_without_its_query(target: str, said: str) -> None:
    assert say_request(GetCheck(get=target)) == said


@given(st.text(max_size=60))
def test_any_text_has_variables_or_none_and_nothing_breaks(text: str) -> None:
    check = JourneyCheck(journey=(Exchange(post="/", body={"a": text}, headers={"x": text}),))
    assert len(list(journey_problems(check))) == len(variables_of(check.journey[0]) - {"known_good"})
