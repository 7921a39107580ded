"""How rows get from the target to the source, a chunk at a time."""
