"""A1111's HTTP interface, /sdapi/v1: `sdapi.add` puts it on a server; a file for each of its parts."""
