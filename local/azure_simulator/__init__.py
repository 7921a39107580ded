"""Azure as mean as Azure is, over real HTTP: App Service slots behind ARM, a front door per site, Azure Monitor.

One process is spoken to by the real Azure SDKs; builds are real processes. `/_control` switches everything that
can go wrong. `README.md` beside this file lists the routes, the faults and where it differs from Azure.
"""
