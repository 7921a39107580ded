"""The main job shown to a stranger: a build goes bad under real users, and the controller takes it back alone."""
