"""What is fitted to the data before a model sees them, per trial or fold, on its training rows only."""
