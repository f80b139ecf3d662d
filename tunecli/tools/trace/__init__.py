"""Trains one configuration and records what each update does: the numbers, the pictures, and the film.

    with subject_of_spec(path, overrides, runs) as subject:      # or subject_of_trial(run, trial)
        traced = train(subject, watch)         # Keras' own fit, watched batch by batch
    document = write(traced, folder, looks)    # trace.csv, PNGs; looks say what is drawn, and how

What is recorded stands in `record`, who records it in `recorder`; `parameters` and `surface` compute what is shown, and
`pictures` and `film` draw it.
"""

from tunecli.tools.trace.looks import Looks
from tunecli.tools.trace.output import write
from tunecli.tools.trace.subject import Subject, subject_of_spec, subject_of_trial
from tunecli.tools.trace.train import Traced, train

__all__ = ["Looks", "Subject", "Traced", "subject_of_spec", "subject_of_trial", "train", "write"]
