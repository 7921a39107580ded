"""The timers: one collects and decides, the other notices when the first has fallen silent."""

import azure.functions as func

from shared.app import app

timers = func.Blueprint()


@timers.timer_trigger("timer", "%WATCH_SCHEDULE%", run_on_startup=False, use_monitor=False)
def watch(timer: func.TimerRequest) -> None:
    """Collect, evaluate, decide and act for every workload."""
    app().watch.run()


@timers.timer_trigger("timer", "%EVALUATE_SCHEDULE%", run_on_startup=False, use_monitor=False)
def evaluate(timer: func.TimerRequest) -> None:
    """Evaluate what is there, so that silence is noticed even when collecting hangs."""
    app().watch.evaluate()
