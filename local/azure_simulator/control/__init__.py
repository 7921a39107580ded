"""`/_control`: how a test, a demo or a person breaks and inspects the simulated world. Loopback only, no auth."""
