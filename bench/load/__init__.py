"""Many people on one site while it is taken back: who notices?"""
