"""The point that a change can go back to: begun before it, watched while it runs, ended with it."""
