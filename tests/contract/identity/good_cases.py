"""Who is let in, and as whom."""

from datetime import timedelta

from local.entra_issuer.directory import ACTION_GROUP_APP_ID
from shared.model.caller import Role
from tests.contract.identity.case import Case, call

_HOUR_S = timedelta(hours=1).total_seconds()

CASES: tuple[Case, ...] = (
    call("good", "a viewer", "200 viewer"),
    call("good", "a viewer, token of the first form", "200 viewer", version=1),
    call("good", "an operator", "200 viewer+operator", who="otto", needs=Role.OPERATOR),
    call("good", "an approver, first form", "200 viewer+approver", who="anna", version=1, needs=Role.APPROVER),
    call("good", "an app with roles of its own", "200 viewer+operator", who="pipeline", needs=Role.OPERATOR),
    call("good", "an app, first form", "200 viewer+operator", who="pipeline", version=1),
    call("good", "an action group", "200 alert_sender", who="action_group", needs=Role.ALERT_SENDER),
    call(
        "good",
        "an action group, first form",
        "200 alert_sender",
        who="action_group",
        version=1,
        needs=Role.ALERT_SENDER,
    ),
    call("good", "a guest of the tenant", "200 viewer", claims={"idp": "https://sts.windows.net/of-another-tenant/"}),
    call("good", "the scheme in small letters", "200 viewer", header=lambda token: f"bearer {token}"),
    call("good", "the key that was published ahead", "200 viewer", key="next"),
    call("good", "expired for 59 s", "200 viewer", lifetime_s=-59, claims={"iat": 0}),
    call("good", "valid in 59 s", "200 viewer", claims={"nbf": 1_772_366_459}),
    call("good", "roles besides ours", "200 viewer", claims={"roles": ["Viewer", "Of.Another.App"]}),
    call("good", "claims nobody knows", "200 viewer", claims={"xms_new": {"deep": [1]}}),
    # Who may call, and with what: known callers who lack the role.
    call("role", "without any role", "403 nils", who="nils"),
    call("role", "a viewer as an operator", "403 vera", needs=Role.OPERATOR),
    call("role", "an operator as an approver", "403 otto", who="otto", needs=Role.APPROVER),
    call("role", "an approver as an operator", "403 anna", who="anna", needs=Role.OPERATOR),
    call("role", "an action group as a viewer", "403", who="action_group"),
    call("role", "roles left out", "403", claims={"roles": None}),
    call("role", "a role in small letters", "403", claims={"roles": ["viewer"]}),
    call("role", "roles as one text", "403", claims={"roles": "Viewer"}),
    call("role", "roles within roles", "403", claims={"roles": [["Viewer"], {"Viewer": True}]}),
    call("role", "roles as keys of an object", "403", claims={"roles": {"Viewer": True}}),
    call("role", "a scope in place of a role", "403", who="nils", claims={"scp": "Viewer Operator"}),
    call("role", "groups in place of a role", "403", who="nils", claims={"groups": ["Viewer"], "wids": ["Viewer"]}),
    # The role of action groups works in the hands of their one app alone.
    call(
        "caller",
        "another app with the role",
        "403",
        who="pipeline",
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"]},
    ),
    call(
        "caller",
        "another app with the role, first form",
        "403",
        who="pipeline",
        version=1,
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"]},
    ),
    call(
        "caller",
        "a person with the role",
        "403",
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"]},
    ),
    call(
        "caller",
        "a person by way of the app",
        "403",
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"], "azp": ACTION_GROUP_APP_ID},
    ),
    call(
        "caller",
        "a person by way of the app, no scope",
        "403",
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"], "azp": ACTION_GROUP_APP_ID, "scp": None, "idtyp": "user"},
    ),
    call(
        "caller",
        "the app named by the other form's claim",
        "403",
        who="pipeline",
        needs=Role.ALERT_SENDER,
        claims={"roles": ["ActionGroupsSecureWebhook"], "appid": ACTION_GROUP_APP_ID},
    ),
    call(
        "caller", "the app without its role", "403", who="action_group", needs=Role.ALERT_SENDER, claims={"roles": []}
    ),
    call("caller", "an ID token", "401 names no client (azp)", claims={"azp": None}),
    call("caller", "an ID token, first form", "401 names no client (appid)", version=1, claims={"appid": None}),
    call("caller", "nobody", "401 names nobody", claims={"oid": None}),
    call("caller", "somebody who is no GUID", "401 names nobody", claims={"oid": "root"}),
)
