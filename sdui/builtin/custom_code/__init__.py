"""Custom code: Python from the page; only for who starts the server with --allow-code."""
