"""Chooses from the settings how people are told and how they answer: channels, links, and the key of receipts.

What cannot be used is a problem that health tells, and no reason not to act.
"""

from collections.abc import Mapping

from shared.adapters.channels.webhook import WebhookChannel
from shared.adapters.links import LinkedChannel, Links
from shared.adapters.policy_files import PolicyFolder
from shared.adapters.signing import Ed25519Signer
from shared.engine.asks import Asks
from shared.errors import SettingsError
from shared.model.policy import Policy
from shared.ports import Channel
from shared.settings import Settings


def links_of(chosen: Settings) -> tuple[Links | None, tuple[str, ...]]:
    """Return what makes links; without it only those who are signed in can answer."""
    if chosen.link_key is None or chosen.link_address is None:
        return None, ()
    try:
        return Links(chosen.link_key.get_secret_value(), chosen.link_address), ()
    except SettingsError as error:
        return None, (f"LINK_KEY, LINK_ADDRESS: {error}",)


def with_links(channels: Mapping[str, Channel], links: Links | None, asks: Asks) -> dict[str, Channel]:
    if links is None:
        return dict(channels)
    return {name: LinkedChannel(name, channel, links, asks.find) for name, channel in channels.items()}


def signer_of(chosen: Settings) -> tuple[Ed25519Signer | None, tuple[str, ...]]:
    """Return what signs receipts; a key that is of no use is a problem that health tells, and no reason not to act."""
    if chosen.receipt_key is None:
        return None, ()
    try:
        return Ed25519Signer(chosen.receipt_key.get_secret_value()), ()
    except SettingsError as error:
        return None, (f"RECEIPT_KEY: {error}",)


def channels_of(
    folder: PolicyFolder, environment: Mapping[str, str]
) -> tuple[dict[str, WebhookChannel], tuple[str, ...]]:
    """Build every channel that a policy names from the setting CHANNEL_<KIND>_<NAME>."""
    channels: dict[str, WebhookChannel] = {}
    problems: list[str] = []
    for name in sorted({to for policy in folder.policies.values() for to in _named_channels(policy)}):
        setting = "CHANNEL_" + name.replace(":", "_").upper()
        try:
            channels[name] = WebhookChannel(name, environment.get(setting, ""))
        except SettingsError as error:
            problems.append(f"{setting}: {error}")
    return channels, tuple(problems)


def _named_channels(policy: Policy) -> set[str]:
    rules = [level.approval for level in policy.levels.by_number.values()] + [policy.approvals.warning]
    return set(policy.notify.to).union(*(rule.to for rule in rules if rule))
