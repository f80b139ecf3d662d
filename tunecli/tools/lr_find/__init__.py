"""The learning-rate range test: one training whose rate grows from batch to batch (Smith 2015, arXiv:1506.01186).

    chosen = choose_values(plan)                       # what the spec leaves open, settled
    curve = run_sweep(file, plan, chosen, sweep, runs)  # rate and loss of each step
    findings = find_rates(curve)                       # turning point, steepest descent, or why there is none
    text = with_rate(file.text, findings.suggestion, source=str(file.path))

`curve` and `findings` are plain figures, and know neither Keras nor files; `drawing` writes what people look at.
"""

from tunecli.tools.lr_find.curve import Curve, Ending, Record, Sweep
from tunecli.tools.lr_find.findings import Findings, Spot, find_rates
from tunecli.tools.lr_find.rewriting import rate_line, rate_path, with_rate
from tunecli.tools.lr_find.values import Chosen, choose_values

__all__ = [
    "Chosen",
    "Curve",
    "Ending",
    "Findings",
    "Record",
    "Spot",
    "Sweep",
    "choose_values",
    "find_rates",
    "rate_line",
    "rate_path",
    "with_rate",
]
