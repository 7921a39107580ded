"""Serves one call: who is it, may they, what do they want, do it, write it down, answer. In this order, for all.

The trigger boundary of HTTP: the only place where whatever is raised is caught.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.app import app
from shared.clock import utc_now
from shared.engine.incidents import incident
from shared.errors import ControllerError, Forbidden
from shared.functions.bodies import body_of
from shared.functions.call import Call
from shared.functions.problems import refusal
from shared.functions.replies import Reply
from shared.model.caller import Caller

if TYPE_CHECKING:
    from shared.functions.operations import Act, Operation

log = logging.getLogger(__name__)


def serve(wanted: "Operation", req: func.HttpRequest) -> func.HttpResponse:
    """Answer a call of an operation; never raises."""
    caller = call = None
    try:
        caller = _recognised(wanted, req)
        call = _call(wanted, req, caller)
        reply = Reply.of(wanted.use(call), wanted.status)
    except Exception as error:  # noqa: BLE001  # the trigger boundary: whatever it is, the caller gets an answer
        reply = refusal(error)
    who = reply.answered.who if reply.answered else caller
    if wanted.act is not None and who is not None:  # of nobody there is nothing to write down
        reply = _recorded(wanted.act, who, call, req.route_params, reply)
    return reply.sent()


def _recognised(wanted: "Operation", req: func.HttpRequest) -> Caller | None:
    if wanted.roles is None:
        return None
    from shared.ports.people import Presented

    presented = Presented(
        authorization=req.headers.get("Authorization", ""),
        principal=req.headers.get("X-MS-CLIENT-PRINCIPAL", ""),
        origin=_origin(req),
    )
    return app().identities.of(presented, utc_now())


def _origin(req: func.HttpRequest) -> str:
    """Return the last address: the platform's own front end adds it, what is before may come from the caller."""
    forwarded_for: str = req.headers.get("X-Forwarded-For", "")
    return forwarded_for.rpartition(",")[2].strip()[:80]


def _call(wanted: "Operation", req: func.HttpRequest, caller: Caller | None) -> Call[Any, Any]:
    if wanted.roles is not None and (caller is None or not caller.may(*wanted.roles)):
        expected = " or ".join(sorted(wanted.roles))
        raise Forbidden(f"you may not do this; expected the role {expected}")
    body = None if wanted.body is None else body_of(wanted.body, req)
    query = None if wanted.query is None else wanted.query.model_validate(_asked(wanted.query, req.params))
    origin = caller.origin if caller else _origin(req)
    return Call(params=req.route_params, body=body, query=query, now=utc_now(), recognised=caller, origin=origin)


def _asked(query: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Return what the query says of the fields that are known; platforms and browsers add others."""
    return {name: given[name] for name in query.model_fields if given.get(name)}


def _recorded(
    act: "Act", caller: Caller, call: Call[Any, Any] | None, params: Mapping[str, str], reply: Reply
) -> Reply:
    """Write down an act and what became of it; if that fails, it was done all the same, and the answer says both."""
    try:
        target = reply.answered.about if reply.answered else act.target.format_map(params)
        given = (call.body, call.query) if call else ()
        app().audit.append(caller, act.word, target, detail(act, *given), reply.ok, reply.outcome(act.outcome))
    except Exception as error:  # noqa: BLE001  # the trigger boundary: the answer to an act that is done is not lost
        why = error if isinstance(error, ControllerError) else incident("audit", error)
        log.error("%s by %s is not in the audit: %s", act.word, caller.id, why)  # noqa: TRY400  # it is a sentence
        return reply.without_record(f"this could not be written to the audit: {why}")
    return reply


def detail(act: "Act", *parts: object) -> dict[str, object]:
    """Return what is worth keeping of the parts of a call, body and query."""
    roots = [getattr(part, "root", part) for part in parts]  # a body of several kinds has a root
    given = ((name, getattr(part, name, None)) for part in roots for name in act.detail)
    return {name: value for name, value in given if value is not None}
