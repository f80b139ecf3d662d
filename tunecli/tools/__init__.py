"""Commands that are neither search nor report."""
