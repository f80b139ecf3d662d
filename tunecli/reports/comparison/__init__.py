"""Studies beside each other: their plans, what they came to, and whether that may be chance."""
