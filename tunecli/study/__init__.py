"""A study as pure values: trials, measurements, the objective, events and what follows from them; no I/O."""
