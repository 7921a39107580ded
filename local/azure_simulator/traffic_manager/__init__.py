"""Azure Traffic Manager: profiles and endpoints over ARM, as azure-mgmt-trafficmanager speaks to them."""
