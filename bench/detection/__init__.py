"""How well health is judged: on labelled watches of real systems, and on noise that is asked again and again."""
