"""The turns that a scenario may take: what changes, how it strikes, what happens meanwhile, and when it is over."""

import time
from collections.abc import Callable
from datetime import datetime

from local.demo.scene import ANNOUNCED, FAULT, GOOD_BUILD, HEALED, KILLED, PAGED, RESTARTED, Scene
from local.demo.stages import API, CANDIDATE, FLAG, NEXT_SITE, TTL_S, ZONE, flag_at, host_of

FAIL_SHARE = 0.4
# Of those few who meet it at all.
_FAIL_SHARE_OF_FEW = 0.9
_FEW_PERCENT = 20
_TOLD_WITHIN_S = 15.0


def deploys(scene: Scene) -> str:
    """The new build replaces the good one."""
    scene.world.deploy(scene.new_build)
    scene.world.announce(scene.new_build, GOOD_BUILD)
    return f"a pipeline deployed {scene.new_build} over {GOOD_BUILD}"


def splits_traffic(scene: Scene) -> str:
    """The new build runs in a slot, and some are sent there."""
    scene.world.deploy(scene.new_build, CANDIDATE)
    scene.world.route(CANDIDATE, _FEW_PERCENT)
    scene.world.announce(scene.new_build, GOOD_BUILD, kind="rollout")
    return f"a pipeline deployed {scene.new_build} to slot {CANDIDATE} and routed {_FEW_PERCENT} % of requests there"


def moves_name(scene: Scene) -> str:
    """The new build runs on a site of its own, and the name leads there from now on."""
    scene.world.lead(ZONE, API, host_of(NEXT_SITE), TTL_S)
    scene.world.announce(scene.new_build, GOOD_BUILD)
    return f"a pipeline led {API}.{ZONE} to {host_of(NEXT_SITE)}, which serves {scene.new_build}"


def turns_flag_up(scene: Scene) -> str:
    """The build stays; some are let into new code."""
    scene.world.set_flag(flag_at(_FEW_PERCENT))
    scene.world.announce(scene.new_build, GOOD_BUILD, kind="rollout")
    return f"a pipeline turned the feature flag {FLAG} up to {_FEW_PERCENT} % of the requests"


def breaks_build(scene: Scene) -> str:
    """Let the new build fail people."""
    scene.world.break_build(scene.new_build, FAIL_SHARE)
    return f"{scene.new_build} begins to fail {FAIL_SHARE:.0%} of its requests"


def breaks_candidate(scene: Scene) -> str:
    """Let the new build fail nearly all of the few who are sent to it."""
    scene.world.break_build(scene.new_build, _FAIL_SHARE_OF_FEW)
    return f"{scene.new_build} begins to fail {_FAIL_SHARE_OF_FEW:.0%} of its requests"


def breaks_candidate_at_zero(scene: Scene) -> str:
    """The same, and somebody turns the share to zero in haste, which keeps those whom a cookie holds."""
    scene.world.route(CANDIDATE, 0)
    return f"{breaks_candidate(scene)}; somebody turns the share of slot {CANDIDATE} to 0 %, which frees nobody"


def breaks_feature(scene: Scene) -> str:
    """The new code fails; which code a request meets, the flag decides."""
    scene.world.break_build(GOOD_BUILD, _FAIL_SHARE_OF_FEW, feature=FLAG, only=["/", "/health"])
    return f"the code behind the flag {FLAG} begins to fail {_FAIL_SHARE_OF_FEW:.0%} of its requests"


def kills_build(scene: Scene) -> str:
    """The new build dies: the platform answers for it, and nothing names a build any more."""
    scene.world.kill_build(scene.new_build)
    return f"{scene.new_build} dies, and the front door answers 503 for it"


def breaks_build_and_swap_reply(scene: Scene) -> str:
    """The same, and the answer to the swap will not arrive."""
    scene.world.break_azure(api="swap", kind="cut_after", times=1)
    return f"{breaks_build(scene)}, and the reply to the first swap will be lost"


def breaks_sight(scene: Scene) -> str:
    """Monitor and probes fail; people are served as before."""
    scene.world.break_azure(api="front_door", kind="cut_before", user_agent="rollback-controller-probe")
    for api in ("metrics", "logs"):
        scene.world.break_azure(api=api, kind="status", status=500)
    return "metrics and logs answer 500, probes are cut off; the site itself is healthy"


def announced_a_while_ago(scene: Scene) -> bool:
    """People have met what is new for some seconds."""
    return scene.lasted(ANNOUNCED, scene.pace.before_fault_s)


def leave_alone(_: Scene) -> None:
    """Nothing happens meanwhile."""


def heal_after_a_while(scene: Scene) -> None:
    """The fault passes by itself."""
    if HEALED not in scene.marks and scene.lasted(FAULT, scene.pace.blip_s):
        at_s = time.time()
        scene.world.heal_build(scene.new_build)
        scene.mark(HEALED, f"{scene.new_build} serves again by itself", at_s)


def kill_host_at_swap(scene: Scene) -> None:
    """SIGKILL the moment ARM has accepted the swap; start again at once."""
    if KILLED in scene.marks or not any(post.accepted for post in scene.world.site().swap_posts):
        return
    scene.world.rig.hosts[0].kill()
    scene.mark(KILLED, "the functions host gets SIGKILL right after ARM accepted the swap")
    scene.world.rig.start_host(0)
    scene.mark(RESTARTED, "the functions host runs again")


def rollback_ended(scene: Scene) -> bool:
    """A run ended, and people were watched for a while afterwards."""
    last = scene.app.last_rollback if scene.app else None
    return last is not None and is_over(scene, last.status, last.ended_at)


def is_over(scene: Scene, kind: str, ended_at: datetime) -> bool:
    """Whether people were watched for a while after an end, and have heard of it: messages may be late."""
    more_s = scene.ago(ended_at) - scene.pace.aftermath_s
    return more_s >= 0 and (kind in scene.world.told() or more_s >= _TOLD_WITHIN_S)


def paged(kind: str) -> Callable[[Scene], bool]:
    """People were told, and some time went by."""

    def ended(scene: Scene) -> bool:
        if PAGED not in scene.marks and kind in scene.world.told():
            scene.mark(PAGED, f"people were told: {kind}")
        return scene.lasted(PAGED, scene.pace.after_page_s)

    return ended


def blip_watched(scene: Scene) -> bool:
    """The fault has been gone for longer than the rule's own time."""
    return scene.lasted(HEALED, scene.pace.after_blip_s)


def quiet_watched(scene: Scene) -> bool:
    """The change was watched for long enough."""
    return scene.lasted(ANNOUNCED, scene.pace.quiet_s)
