"""Checks whether a search can run well on this machine, and says what to do about each problem.

    for check in examine(Path("runs")):
        print(check.status, check.name, check.found, check.hint)

`examine` reads the machine; each check is given what was read and judges it. TensorFlow is imported in a process that
is started for it, as a search starts its workers, so that a TensorFlow that crashes is a finding too.
"""

from tunecli.tools.doctor.check import Check, Status
from tunecli.tools.doctor.checks import examine

__all__ = ["Check", "Status", "examine"]
