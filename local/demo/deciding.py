"""The turns in which people decide: they pause the fleet and let it go on, or read a question and approve."""

import shutil

from local.demo.form import Read
from local.demo.scene import APPROVED, GOOD_BUILD, PAGED, PAUSED, RESUMED, SENT_BACK, Scene
from local.demo.turns import FAIL_SHARE, deploys, rollback_ended
from local.demo.world import World

CHROMIUM = "chromium"
SCREENSHOT = "approval.png"
AS_LEFT, RESTORED = "as the migration left it", "as it was before"
_REASON = "the database is moved tonight"


def pauses_and_deploys(scene: Scene) -> str:
    """Somebody pauses the fleet for some work, and a pipeline does not know of it."""
    scene.world.pause_fleet(_REASON)
    scene.mark(PAUSED, f"somebody pauses every automatic rollback: {_REASON}")
    return deploys(scene)


def resumes_once_told(scene: Scene) -> None:
    """People hear that it is held back, think for a moment, and let it go on."""
    if PAGED not in scene.marks and "held_back" in scene.world.told():
        scene.mark(PAGED, "people were told that nothing is rolled back while the fleet is paused")
    if RESUMED not in scene.marks and scene.lasted(PAGED, scene.pace.after_page_s):
        scene.mark(RESUMED, "somebody lets automatic rollbacks start again")
        scene.world.resume_fleet()


def breaks_build_and_data(scene: Scene) -> str:
    """The new build fails people, and its migration spoiled the data, with which the good build fails as well."""
    scene.world.break_build(scene.new_build, FAIL_SHARE, database="down")
    scene.world.break_build(GOOD_BUILD, FAIL_SHARE, database="down")
    return f"{scene.new_build} spoils its data; with it, the good build fails {FAIL_SHARE:.0%} of its requests, too"


def person_approves(scene: Scene) -> None:
    """Open the link that people received, in a real browser, and approve; the data is then brought back."""
    link = scene.world.link()
    if link and is_waited_for(scene, link):
        from local.demo.browser import approve

        answers(scene, link, approve(link, shutil.which(CHROMIUM), scene.world.rig.logs / SCREENSHOT))
    if is_restored(scene.world):
        for build in (scene.new_build, GOOD_BUILD):
            scene.world.heal_build(build)


def is_waited_for(scene: Scene, link: str) -> bool:
    """Whether nobody has approved, and nobody was sent back from this link: a newer message will have another."""
    return APPROVED not in scene.marks and link != scene.sent_back_from


def answers(scene: Scene, link: str, read: Read) -> None:
    """Note what somebody did who was asked; who was sent back, because it has changed, looks again later."""
    done = f"reads: {read.title} {read.what} Presses the button: {' '.join(filter(None, (read.notice, read.answer)))}"
    scene.mark(APPROVED if read.approved else SENT_BACK, done, read.pressed_at_s)
    if not read.approved:
        scene.sent_back_from = link


def is_restored(world: World) -> bool:
    """Whether the job that restores data was told to, and did."""
    return bool(world.hook_state()["data"]["restored"])


def data(world: World) -> tuple[str, ...]:
    """How the data is, by the job that restores it."""
    return (RESTORED if is_restored(world) else AS_LEFT,)


def level_2_ended(scene: Scene) -> bool:
    """What was approved has ended, and people were watched for a while afterwards."""
    last, approved = scene.app.last_rollback if scene.app else None, scene.marks.get(APPROVED)
    ended = last is not None and approved is not None and last.ended_at.timestamp() > approved.at_s
    return ended and rollback_ended(scene)
