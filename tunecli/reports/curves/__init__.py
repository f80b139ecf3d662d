"""Learning curves of trials: as plain values, as words for their shape, as pictures, tables and lines of a terminal."""
