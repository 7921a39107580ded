"""What it takes to bring rows back: beside other ways of doing it, over a distance, and for the target's writers."""
