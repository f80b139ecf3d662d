"""The heart: asks an oracle, runs trials, tells the oracle; continues where an earlier process was stopped."""
