"""What people call a checkpoint or a way back: by the id of its change or of its rollback, as the app shows that.

In the databases it is called by the name of its database as well, as a change or a rollback may have several. Who
writes it out that way means just this one, whatever the policy calls the database by now.
"""

from shared.model.checkpoint import held_as


def key_of(called: str, database: str) -> str:
    """Return what is called so in the databases."""
    return called if ":" in called else held_as(called, database)


def called(key: str, database: str) -> str:
    """Return what people call it; one of another database by its whole name."""
    return key.removesuffix(held_as("", database))
