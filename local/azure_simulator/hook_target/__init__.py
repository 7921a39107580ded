"""Somebody's traffic switch behind a hook: no service of Azure, but what a policy may call."""
