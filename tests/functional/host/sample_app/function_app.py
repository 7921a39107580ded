"""A small app that shows what the host did to it: every call leaves one line in a queue or a file.

The journal is a file named by the setting JOURNAL, appended a line at a time, so that several hosts
can write to one and a test can read what ran where, when, and in which order.
"""

import json
import os
import time
from typing import Any

import azure.functions as func
from azure.functions.timer import TimerRequest

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def journal(function: str, **facts: Any) -> None:
    entry = {"function": function, "at": time.time(), "instance": os.environ["WEBSITE_INSTANCE_ID"], **facts}
    with open(os.environ["JOURNAL"], "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@app.route(route="echo/{name}/{number:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "params": dict(req.route_params),
        "query": dict(req.params),
        "method": req.method,
        "url": req.url,
        "body": req.get_body().decode(),
        "custom": req.headers.get("X-Custom"),
    }
    headers = {"x-sample": "yes"}
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers=headers)


@app.route(route="echo/literal", auth_level=func.AuthLevel.ANONYMOUS)
def literal(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger needs it
    response = func.HttpResponse(b"", status_code=202, headers={"Set-Cookie": "a=1; Path=/; HttpOnly"})
    response.headers.add("Set-Cookie", "b=2; SameSite=Lax; Max-Age=60")
    return response


@app.route(route="size", auth_level=func.AuthLevel.ANONYMOUS)
def size(req: func.HttpRequest) -> str:
    return str(len(req.get_body()))


@app.route(route="files/{*path}")
def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params.get("path", ""))


@app.route(route="secret", auth_level=func.AuthLevel.ADMIN)
def secret(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger needs it
    return func.HttpResponse("for the master key")


@app.route(route="fails", auth_level=func.AuthLevel.ANONYMOUS)
def fails(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger needs it
    raise ValueError("a detail no caller may see")


@app.route(route="slow", auth_level=func.AuthLevel.ANONYMOUS)
def slow(req: func.HttpRequest) -> func.HttpResponse:
    journal("slow", phase="begin")
    time.sleep(float(req.params["seconds"]))
    return func.HttpResponse("done")


@app.route(route="off", auth_level=func.AuthLevel.ANONYMOUS)
def off(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger needs it
    return func.HttpResponse("never")


@app.route(route="send", auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="work", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def send(req: func.HttpRequest, work: func.Out[str]) -> func.HttpResponse:
    work.set(req.get_json()["messages"])
    return func.HttpResponse(status_code=202)


@app.queue_trigger(arg_name="msg", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="$return", queue_name="%DONE_QUEUE%", connection="AzureWebJobsStorage")
def work(msg: func.QueueMessage) -> str:
    """Does what the message says: {"sleep": seconds, "fail": true}."""
    order = json.loads(msg.get_body())
    journal(
        "work",
        phase="begin",
        order=order,
        id=msg.id,
        dequeue_count=msg.dequeue_count,
        pop_receipt=msg.pop_receipt,
        inserted=msg.insertion_time and msg.insertion_time.isoformat(),
        expires=msg.expiration_time and msg.expiration_time.isoformat(),
        next_visible=msg.time_next_visible and msg.time_next_visible.isoformat(),
    )
    time.sleep(order.get("sleep", 0))
    journal("work", phase="end", order=order)
    if order.get("fail"):
        raise RuntimeError("told to fail")
    return f"done {order.get('name')}"


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    journal("tick", past_due=timer.past_due)
    time.sleep(float(os.environ.get("TICK_SECONDS", "0")))


@app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
def nightly(timer: TimerRequest, context: func.Context) -> None:
    journal("nightly", past_due=timer.past_due, status=timer.schedule_status, name=context.function_name)


@app.timer_trigger(arg_name="timer", schedule="0 0 3 1 1 *", run_on_startup=True, use_monitor=False)
def at_startup(timer: func.TimerRequest) -> None:
    journal("at_startup", past_due=timer.past_due)
