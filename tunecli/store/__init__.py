"""The run directory: every file name, the journal, and files that are whole or absent, whatever kills the process."""
