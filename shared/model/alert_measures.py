"""Says what a measuring alert measured: value, operator and threshold of metric, availability and log search alerts.

`3 > 0` is written only when it is true. A resolved alert carries the value that resolved it, and some log alerts hold
their threshold against something that is not in the payload: those read `7.7 (threshold > 25)`.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.model.alert_json import Node
from shared.model.alert_text import one_line, say_minutes, say_number, say_window

_MOST_CRITERIA = 3
_MOST_DIMENSIONS = 3
_LONGEST_NAME = 80
_LONGEST_DETAIL = 60
_WORD = re.compile(r"[A-Za-z]{1,20}")
# They repeat the target, as an id that tells people nothing.
_DULL_DIMENSIONS = {"resourceid", "_resourceid", "accountresourceid", "microsoft.resourceid", "microsoft.resourcetype"}

_OPERATORS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "greaterthan": (">", operator.gt),
    "greaterthanorequal": (">=", operator.ge),
    "lessthan": ("<", operator.lt),
    "lowerthan": ("<", operator.lt),
    "lessthanorequal": ("<=", operator.le),
    "lowerthanorequal": ("<=", operator.le),
    "equal": ("=", operator.eq),
    "equals": ("=", operator.eq),
    "notequals": ("!=", operator.ne),
}


@dataclass(frozen=True, slots=True)
class _Limit:
    sign: str
    threshold: float
    breaks: Callable[[float, float], bool]

    def __str__(self) -> str:
        return f"{self.sign} {say_number(self.threshold)}".strip()


def say_metric(context: Node) -> str:
    """Tell every criterion of a metric or log search alert. The oldest metric alerts have one, written in place."""
    condition = context.at("condition")
    criteria = condition.at("allOf").items(_MOST_CRITERIA) or [condition]
    window = _window(condition.at("windowSize"))
    return "; ".join(filter(None, (_criterion(criterion, window) for criterion in criteria)))


def say_log_results(context: Node) -> str:
    """Tell the row count of an old log alert. A metric measurement holds its threshold against a column instead."""
    count = context.at("ResultCount").number
    if count is None:
        return ""
    operator_name = context.first("Operator", "AlertThresholdOperator")
    limit = _limit(operator_name, context.first("Threshold", "AlertThresholdValue"))
    counted = context.at("AlertType").text.lower() != "metric measurement"
    details = [_over("", _search_window(context)), *_dimensions(context.at("Dimensions"))]
    return _comparison("log query rows", count, limit, details, comparable=counted)


def _criterion(criterion: Node, window: str) -> str:
    searched = criterion.at("searchQuery").present
    subject = _log_subject(criterion) if searched else one_line(criterion.at("metricName").text, _LONGEST_NAME)
    if not subject:
        return ""
    details = [
        _over("" if searched else _aggregation(criterion), window),
        _test_name(criterion.at("webTestName")),
        "dynamic threshold" if criterion.at("alertSensitivity").present else "",
        *_dimensions(criterion.at("dimensions")),
    ]
    limit = _limit(criterion.at("operator"), criterion.at("threshold"))
    return _comparison(subject, criterion.at("metricValue").number, limit, details)


def _comparison(
    subject: str, value: float | None, limit: _Limit | None, details: list[str], *, comparable: bool = True
) -> str:
    true = comparable and value is not None and limit is not None and limit.breaks(value, limit.threshold)
    measured = "without a value" if value is None else say_number(value)
    told = [f"threshold {limit}" if limit and not true else "", *details]
    aside = ", ".join(detail for detail in told if detail)
    return f"{subject} {measured}" + (f" {limit}" if true else "") + (f" ({aside})" if aside else "")


def _limit(sign: Node, threshold: Node) -> _Limit | None:
    number = threshold.number
    if number is None:
        return None
    name = one_line(sign.text, _LONGEST_DETAIL)
    known, breaks = _OPERATORS.get(name.replace(" ", "").lower(), (name, _never))
    return _Limit(known, number, breaks)


def _never(_value: float, _threshold: float) -> bool:
    return False


def _log_subject(criterion: Node) -> str:
    column = one_line(criterion.at("metricMeasureColumn").text, _LONGEST_NAME)
    return f"log query {_aggregation(criterion) or 'result'}" + (f" of {column}" if column else "")


def _aggregation(criterion: Node) -> str:
    name = criterion.at("timeAggregation").text
    return name.lower() if _WORD.fullmatch(name) else ""


def _over(aggregation: str, window: str) -> str:
    return " ".join(filter(None, (aggregation, f"over {window}" if window else "")))


def _window(size: Node) -> str:
    minutes = size.number  # the oldest alerts count minutes, the others write ISO 8601
    return say_window(size.text) if minutes is None else say_minutes(minutes)


def _search_window(context: Node) -> str:
    minutes = context.first("SearchIntervalInMinutes", "SearchIntervalDurationMin").number
    seconds = context.at("SearchIntervalInSeconds").number
    if minutes is None and seconds is not None:
        minutes = seconds / 60
    return "" if minutes is None else say_minutes(minutes)


def _test_name(name: Node) -> str:
    shown = one_line(name.text, _LONGEST_DETAIL)
    return f"test {shown}" if shown not in ("", "None") else ""


def _dimensions(dimensions: Node) -> list[str]:
    pairs = ((item.at("name").text, item.at("value").word) for item in dimensions.items(2 * _MOST_DIMENSIONS))
    telling = [(name, value) for name, value in pairs if value and name and name.lower() not in _DULL_DIMENSIONS]
    return [one_line(f"{name}={value}", _LONGEST_DETAIL) for name, value in telling[:_MOST_DIMENSIONS]]
