"""Loopback: each picture is what the next one starts from."""
