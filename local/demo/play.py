"""Plays one scenario on a rig of its own and returns what was seen of it from outside."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.demo.pace import Pace
from local.demo.scenario import Scenario
from local.demo.scenarios import SCENARIOS
from local.demo.scene import ANNOUNCED, FAULT, Recording, Scene
from local.demo.screen import Screen
from local.demo.users import Users
from local.demo.world import AppView, World
from local.rig.rig import Rig, RigOptions

_LOOK_EVERY_S = 0.5
_HEALTHY_WITHIN_S = 60.0
_MISSING = "{} is missing; install it, or put it on the PATH"


class CannotPlay(Exception):
    """The stage could not be set; says why in one sentence."""


def play(name: str, pace: Pace, screen: Screen, logs: Path) -> Recording:
    """Play a scenario from a fresh rig to its end.

    Args:
        name: A key of `SCENARIOS`.
        logs: Folder for the logs of the rig's processes.

    Raises:
        CannotPlay: the rig did not start, or the app was not healthy to begin with.
    """
    scenario = SCENARIOS[name]
    _demand(scenario.tools)
    screen.say(f"{name}: {scenario.story}")
    options = scenario.stage.options(pace, logs, hosts=scenario.hosts, deliver_twice=scenario.deliver_twice)
    with (
        _started(options) as rig,
        World(rig) as world,
        Users(world.users_url, scenario.stage.kinds) as users,
    ):
        scene = Scene(world, users, pace, scenario.new_build)
        _wait_until_healthy(scene, screen)
        _change(scene, scenario, screen)
        came_to_end = _strike_and_watch(scene, scenario, screen)
        return _recording(scene, scenario, name, came_to_end=came_to_end)


def _demand(tools: Iterable[str]) -> None:
    missing = next((tool for tool in tools if shutil.which(tool) is None), None)
    if missing:
        raise CannotPlay(_MISSING.format(missing))


@contextmanager
def _started(options: RigOptions) -> Iterator[Rig]:
    with ExitStack() as stack:
        try:
            rig = stack.enter_context(Rig(options))
        except (FileNotFoundError, RuntimeError) as error:
            raise CannotPlay(_one_sentence(error)) from error
        yield rig


def _one_sentence(error: Exception) -> str:
    """What did not start, and the last word of its log."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return _MISSING.format(error.filename)
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(dict.fromkeys((lines[0], lines[-1])))


def _until(
    done: Callable[[Scene], bool], scene: Scene, screen: Screen, *, within_s: float, tick_s: float = 0.25
) -> bool:
    """Look and show until it is done; `False` when time ran out."""
    give_up_at = time.monotonic() + within_s
    next_look = 0.0
    while not done(scene):
        now = time.monotonic()
        if now >= give_up_at:
            return False
        if now >= next_look:
            next_look = now + _LOOK_EVERY_S
            scene.look()
            screen.show(scene.glance())
        time.sleep(tick_s)
    return True


def _wait_until_healthy(scene: Scene, screen: Screen) -> None:
    def healthy(scene: Scene) -> bool:
        return scene.app is not None and scene.app.verdict == "healthy"

    if not _until(healthy, scene, screen, within_s=_HEALTHY_WITHIN_S):
        raise CannotPlay(f"the app was not healthy within {_HEALTHY_WITHIN_S:.0f} s: {scene.glance().sentence}")


def _change(scene: Scene, scenario: Scenario, screen: Screen) -> None:
    scene.mark(ANNOUNCED, scenario.change(scene))
    screen.say(f"{ANNOUNCED}: {scene.marks[ANNOUNCED].sentence}")


def _strike_and_watch(scene: Scene, scenario: Scenario, screen: Screen) -> bool:
    if scenario.strike is not None:
        _until(scenario.ripe, scene, screen, within_s=scene.pace.patience_s)
        at_s = time.time()
        scene.mark(FAULT, scenario.strike(scene), at_s)
        scene.heard_first = _heard(scene, scenario)
        screen.say(f"{FAULT}: {scene.marks[FAULT].sentence}")

    def ended(scene: Scene) -> bool:
        scenario.meddle(scene)
        return scenario.ends(scene)

    return _until(ended, scene, screen, within_s=scene.pace.patience_s, tick_s=scenario.tick_s)


def _heard(scene: Scene, scenario: Scenario) -> dict[str, tuple[str, ...]]:
    return {question: ask(scene.world) for question, ask in scenario.asks.items()}


def _recording(scene: Scene, scenario: Scenario, name: str, *, came_to_end: bool) -> Recording:
    app = scene.world.app() or scene.app or AppView(verdict="", sentence="the app does not answer")
    since_s = scene.marks[ANNOUNCED].at_s
    return Recording(
        scenario=name,
        new_build=scene.new_build,
        kinds=scenario.stage.kinds,
        marks=dict(scene.marks),
        ended_at_s=time.time(),
        came_to_end=came_to_end,
        promptness=scene.pace.promptness,
        app=app,
        events=tuple(event for event in reversed(app.events) if event.at.timestamp() >= since_s),
        site=scene.world.site(),
        visits=tuple(scene.users.visits),
        told=tuple(scene.world.told()),
        heard_first=scene.heard_first,
        heard_last=_heard(scene, scenario),
        doubled=scene.world.doubled(),
        outcome=_outcome(scene.world, app),
    )


def _outcome(world: World, app: AppView) -> str:
    """The sentence of what was taken back, else of what went forward, else of how it stands."""
    if app.last_rollback:
        return world.rollback_outcome(app.last_rollback.id)
    return next((event.sentence for event in app.events if event.kind == "promoted"), app.sentence)
