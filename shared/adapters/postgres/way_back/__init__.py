"""Everything that was written on the target goes back: gathered, copied, proved, and told."""
