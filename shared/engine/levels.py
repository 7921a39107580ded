"""The table of levels: which steps each takes, in order. `steps/` has one file per family."""

LEVELS: dict[int, tuple[str, ...]] = {
    1: ("look_before", "swap_slots", "verify_outside"),
}
