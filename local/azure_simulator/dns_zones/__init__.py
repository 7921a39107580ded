"""Azure DNS: record sets of public zones over ARM, as azure-mgmt-dns speaks to them."""
