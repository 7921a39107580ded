"""The site that the rig breaks and saves: one small web server per build, that says which build answered."""
