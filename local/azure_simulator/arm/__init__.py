"""Azure Resource Manager in front of App Service, as azure-mgmt-web speaks to it."""
