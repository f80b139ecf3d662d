"""Who proposes trials: one protocol, over KerasTuner's oracles."""
