"""The timers: one collects and decides, one notices when that has fallen silent, one looks after the poison queues,
one checks whether things could be taken back if they had to be, one looks after databases while they are moved, one
rolls up what was measured.

The poison queues are swept by a timer: queue triggers would poll them every second, for what hardly ever comes.
"""

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


@timers.timer_trigger("timer", "%POISON_SCHEDULE%", run_on_startup=False, use_monitor=False)
def sweep_poison(timer: func.TimerRequest) -> None:
    """Record every message that the host gave up on, and ring again for what it was about."""
    app().poisoned.sweep()


@timers.timer_trigger("timer", "%READINESS_SCHEDULE%", run_on_startup=False, use_monitor=False)
def check_readiness(timer: func.TimerRequest) -> None:
    """Check for every workload whether it could be taken back now."""
    app().readiness.run()


@timers.timer_trigger("timer", "%READINESS_SCHEDULE%", run_on_startup=False, use_monitor=False)
def watch_databases(timer: func.TimerRequest) -> None:
    """Look after the checkpoints of databases, and what going back would do."""
    app().checkpoints.run()


@timers.timer_trigger("timer", "%ROLL_UP_SCHEDULE%", run_on_startup=False, use_monitor=False)
def roll_up(timer: func.TimerRequest) -> None:
    """Roll up what was measured into minutes, hours and days."""
    app().roll_ups.run()
