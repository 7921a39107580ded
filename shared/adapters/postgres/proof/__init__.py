"""Whether all rows are the same on both sides, and which are not."""
