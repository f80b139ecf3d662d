"""Writes a search as a script of plain KerasTuner and Keras: the way out, and an honest baseline.

    eject(plan, spec="a.yaml", script="a.py")     # the text of a.py; the data are described, not loaded

The script has the plan's data, split, preprocessing, models and space, and imports nothing of tunecli. One module here
writes each part of it; data sets and families write their own.
"""

from tunecli.tools.eject.script import eject

__all__ = ["eject"]
