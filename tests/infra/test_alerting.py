"""Alerts: common schema everywhere, and a silent controller is never told about itself."""

from tests.infra.bicep_files import INFRA, Resource, resources, tree


def group(symbol: str) -> Resource:
    (found,) = (one for one in resources("Microsoft.Insights/actionGroups") if one.symbol == symbol)
    return found


def rule(symbol: str) -> Resource:
    (found,) = (one for one in resources("Microsoft.Insights/scheduledQueryRules") if one.symbol == symbol)
    return found


def test_the_webhook_is_the_alerts_route_with_its_key_and_the_common_schema() -> None:
    (webhook,) = group("controller").properties["webhookReceivers"]
    assert webhook["serviceUri"].startswith("https://${appHostName}/api/alerts?code=${")
    assert "alertsFunctionKey" in webhook["serviceUri"]
    assert webhook["useCommonAlertSchema"] is True


def test_people_are_mailed_by_both_groups_and_called_by_no_webhook_of_ours() -> None:
    assert group("controller").properties["emailReceivers"] == "mailReceivers"
    assert group("people").properties["emailReceivers"] == "mailReceivers"
    assert "webhookReceivers" not in group("people").properties


def test_short_names_fit() -> None:
    names = [one.properties["groupShortName"] for one in resources("Microsoft.Insights/actionGroups")]
    assert all(0 < len(name) <= 12 for name in names)


def test_the_error_rule_rings_the_controller_about_the_site() -> None:
    properties = rule("serverErrors").properties
    assert properties["actions"]["actionGroups"] == ["controllerGroupId"]
    assert properties["criteria"]["allOf"][0]["resourceIdColumn"] == "_ResourceId"


def test_each_query_is_told_what_it_asks_about() -> None:
    variables = tree(INFRA / "modules" / "alert-rules.bicep")["variables"]
    values = {}
    for one in resources("Microsoft.Insights/scheduledQueryRules"):
        replaced = variables[one.properties["criteria"]["allOf"][0]["query"]]["value"]["function"]["parameters"]
        declared = variables[replaced["old_string"]]["value"]
        file = replaced["original_string"]["function"]["parameters"]["file_path"]
        # What is replaced must stand in the file to the letter, or the rule asks a query that Azure refuses.
        assert (INFRA / "modules" / file).read_text().count(f"\n{declared}\n") == 1
        values[one.symbol] = replaced["new_string"]
    assert values == {
        "serverErrors": 'let site_id = "${guardedSiteId}";',
        "silence": 'let app_name = "${appName}";',
    }


def test_the_silence_rule_wakes_people_only() -> None:
    properties = rule("silence").properties
    assert properties["actions"] == {"actionGroups": ["peopleGroupId"]}
    assert properties["severity"] == 0


def test_both_rules_look_every_minute_fire_on_any_row_and_resolve_by_themselves() -> None:
    for one in resources("Microsoft.Insights/scheduledQueryRules"):
        (criterion,) = one.properties["criteria"]["allOf"]
        assert one.properties["evaluationFrequency"] == "PT1M"
        assert one.properties["autoMitigate"] is True
        assert (criterion["timeAggregation"], criterion["operator"], criterion["threshold"]) == (
            "Count",
            "GreaterThan",
            0,
        )


def test_the_request_log_of_the_site_reaches_the_workspace() -> None:
    (log,) = (one for one in resources("Microsoft.Insights/diagnosticSettings") if one.file == "guarded-site.bicep")
    assert log.properties["logs"] == [{"category": "AppServiceHTTPLogs", "enabled": True}]
