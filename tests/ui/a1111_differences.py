"""Which of A1111's controls this page has not, or has differently, and why."""

LEFT_OUT: dict[str, str] = {}
DIFFERENT: dict[str, dict[str, str]] = {}
"""By element id: what differs, and the reason."""
