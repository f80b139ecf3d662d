"""The command line: one module a command group; nothing heavy is imported before a command needs it."""
