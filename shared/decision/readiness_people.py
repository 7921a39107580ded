"""Whether people would hear of it, and whether anybody could say yes where a level takes an approval."""

from collections.abc import Iterator

from shared.model.policy import Policy
from shared.model.policy_approval import Approval, is_four_eyes, rule_for
from shared.model.readiness import Finding, Kept


def people_finding(policy: Policy, kept: Kept) -> Finding:
    """Return whether everybody is told whom the policy names, also of a warning."""
    named = tuple(dict.fromkeys((*policy.notify.to, *policy.approvals.warning.to)))
    missing = [channel for channel in named if channel not in kept.channels]
    if missing:
        says = f"people would not be told: no channel {', '.join(missing)} is set up here"
        return Finding(name="people", ok=False, says=says)
    told = ", ".join(named)
    return Finding(name="people", ok=True, says=f"{told} is set up" if told else "the policy names nobody to tell")


def approver_findings(policy: Policy, number: int, kept: Kept) -> Iterator[Finding]:
    """Yield whether a level that takes an approval could get it; nothing of one that begins unasked."""
    rule = rule_for(number, policy.level(number).approval, None)
    if rule is None:
        return
    why = _nobody(rule, number, rule.to or policy.notify.to, kept)
    says = f"level {number} takes {_count(rule)}, which can be given" if why is None else why
    yield Finding(name="approvers", ok=why is None, says=says)


def _nobody(rule: Approval, number: int, recipients: tuple[str, ...], kept: Kept) -> str | None:
    """Return why an approval could not be given, or `None`. How many people of the tenant may is not known here."""
    missing = [channel for channel in recipients if channel not in kept.channels]
    if missing:
        return f"nobody would be asked for level {number}: no channel {', '.join(missing)} is set up here"
    if kept.answering.signed_in:
        return None
    takes = f"level {number} takes {_count(rule)}"
    if is_four_eyes(number, rule):
        return f"{takes} of people who are signed in, and nobody can sign in here; expected ENTRA_TENANT_ID to be set"
    if not kept.answering.links:
        return f"{takes}, and nobody can sign in or answer by link here; expected ENTRA_TENANT_ID or LINK_KEY to be set"
    if len(recipients) < rule.quorum:
        said = ", ".join(recipients) or "nobody"
        return f"{takes}, and only {said} could give one; expected ENTRA_TENANT_ID to be set"
    return None


def _count(rule: Approval) -> str:
    return f"{rule.quorum} approval{'' if rule.quorum == 1 else 's'}"
