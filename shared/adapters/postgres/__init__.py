"""What knows PostgreSQL, in floors; `shared.adapters.databases` is the way in.

`server` (what a server is asked), `capture` (which keys are written), `slot` (the same by a logical slot), `migration`
(scripts), `checkpoint` (the point that a change can go back to), `copying` and `proof` (rows and their sums),
`corruption` (a search for damage), `way_back` (all of it in order), `undo` and `preview`.
"""
