"""Every kind of road, taken over and over on one rig: how long it takes, and what it costs at the storage account."""
