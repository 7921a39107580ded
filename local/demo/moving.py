"""The turns of a database that was moved: its new build writes to the new server, and goes bad; somebody approves."""

import shutil
import time
from collections import Counter
from pathlib import Path

from local.demo.deciding import CHROMIUM, SCREENSHOT, answers, is_waited_for
from local.demo.form import Read, approve_by_form
from local.demo.moved_database import MovedDatabase
from local.demo.scene import ANNOUNCED, ASKED, GOOD_BUILD, Scene
from local.demo.world import World

NONE = "none"
_CHECKPOINT_WITHIN_S = 60.0


def moved(world: World) -> MovedDatabase:
    """The database that the stage has."""
    found = world.rig.options.surroundings
    if not isinstance(found, MovedDatabase):
        raise TypeError("the stage has no database")
    return found


def moves_database(scene: Scene) -> str:
    """Announce the move, wait until rows could go back, and let the new build write to the new server."""
    scene.world.announce(scene.new_build, GOOD_BUILD, kind="migration")
    began = time.monotonic()
    while not scene.world.has_checkpoint():
        if time.monotonic() - began > _CHECKPOINT_WITHIN_S:
            raise RuntimeError("the app took no checkpoint of the database")
        time.sleep(0.2)
    waited = time.monotonic() - began
    scene.world.deploy(scene.new_build)
    moved(scene.world).begin()
    return f"a pipeline moved the database and deployed {scene.new_build}; the checkpoint took {waited:.1f} s"


def written_a_while_ago(scene: Scene) -> bool:
    """The bulk of changes is on the new server."""
    return moved(scene.world).written.is_set() and scene.lasted(ANNOUNCED, scene.pace.before_fault_s)


def person_approves_rows(scene: Scene) -> None:
    """Open the link that people received, read what would become of the rows, and approve; in a browser, if any.

    Nobody answers at once: by then it has been looked at again what would become of them.
    """
    link = scene.world.link()
    if link and ASKED not in scene.marks:
        scene.mark(ASKED, "somebody receives the link and thinks for a moment")
    if link and is_waited_for(scene, link) and scene.lasted(ASKED, scene.pace.thinking_s):
        answers(scene, link, _approve(link, shutil.which(CHROMIUM), scene.world.rig.logs / SCREENSHOT))


def _approve(link: str, chromium: str | None, screenshot: Path) -> Read:
    if chromium is None:
        return approve_by_form(link)
    from local.demo.browser import approve

    return approve(link, chromium, screenshot)


def rows_missing(world: World) -> tuple[str, ...]:
    """The acknowledged orders that the old server has not."""
    missing = moved(world).missing()
    return (", ".join(map(str, missing[:10])) or NONE,)


def rows_acknowledged(world: World) -> tuple[str, ...]:
    """How many orders were acknowledged, and by which builds."""
    builds = Counter(moved(world).acknowledged.values())
    return tuple(f"{count:,} by {build}" for build, count in sorted(builds.items()))


def items_differing(world: World) -> tuple[str, ...]:
    """The items that are not the same on both servers."""
    count = moved(world).differing()
    return (str(count) if count else NONE,)
