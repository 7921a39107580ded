"""The turns of a promotion: a new build waits in a slot, and goes forward by shares of the traffic."""

from collections.abc import Callable, Iterable, Mapping

from local.demo.outside import Ask
from local.demo.scene import GOOD_BUILD, PROMOTING, SWAPPED, Scene
from local.demo.stages import CANDIDATE
from local.demo.turns import is_over
from local.demo.world import World

IN_QUARANTINE, UNDER_WAY = "it is in quarantine", "another run is under way"
_SEE_IT = "% see it"
_SAID = {"in quarantine": IN_QUARANTINE, "is under way": UNDER_WAY}


def share_seen(percent: float) -> str:
    """What the moment is called at which ARM was seen to send a share to the new build."""
    return f"{percent:g} {_SEE_IT}"


def shares_seen(marks: Iterable[str]) -> list[str]:
    """Those of the moments that are such, in their order."""
    return [mark for mark in marks if mark.endswith(_SEE_IT)]


def fills_slot(scene: Scene) -> str:
    """The new build runs in a slot, and nobody is sent there."""
    scene.world.deploy(scene.new_build, CANDIDATE)
    scene.world.announce(scene.new_build, GOOD_BUILD)
    return f"a pipeline deployed {scene.new_build} to slot {CANDIDATE}, to which nobody is sent yet"


def goes_forward(scene: Scene) -> None:
    """Ask for the promotion as soon as the way back is known to be open, and note what ARM shows of it."""
    if PROMOTING not in scene.marks and scene.world.ready():
        refusal = scene.world.promote(scene.new_build)
        scene.mark(PROMOTING, refusal or f"the pipeline asks for it: {scene.new_build} is to go forward")
    site = scene.world.site()
    for rule in site.routed:
        seen = share_seen(rule.reroutePercentage)
        if rule.reroutePercentage and seen not in scene.marks:
            scene.mark(seen, f"ARM sends {rule.reroutePercentage:g} % of the requests to slot {rule.name}")
    if SWAPPED not in scene.marks and (accepted := [post for post in site.swap_posts if post.accepted]):
        scene.mark(SWAPPED, f"ARM swaps slot {CANDIDATE} with production", accepted[0].time.timestamp())


def goes_forward_to(percent: float) -> Callable[[Scene], bool]:
    """The new build has that share."""

    def reached(scene: Scene) -> bool:
        goes_forward(scene)
        return share_seen(percent) in scene.marks

    return reached


def promoted(scene: Scene) -> bool:
    """The app says that the new build is in production, and people were watched for a while afterwards."""
    events = scene.app.events if scene.app else ()
    ended = next((event for event in events if event.kind == "promoted"), None)
    return ended is not None and is_over(scene, ended.kind, ended.at)


def promoted_again(build: str) -> Ask:
    """What the app answers whoever wants to take the build forward once more."""

    def ask(world: World) -> tuple[str, ...]:
        refusal = world.promote(build)
        return (_short(refusal, _SAID) if refusal else "it goes forward",)

    return ask


def _short(sentence: str, said: Mapping[str, str]) -> str:
    return next((short for words, short in said.items() if words in sentence), sentence)
