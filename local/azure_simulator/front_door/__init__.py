"""The front end of App Service: one port per site, each request routed to the process behind a slot."""
