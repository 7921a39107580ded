"""Azure Front Door Standard and Premium: origins over ARM, as azure-mgmt-cdn speaks to them, and the edges."""
