"""Two hundred suggestions of the Gaussian process: are they all in the space, and what does each cost?

python tests/benchmarks/bayesian_range.py [--suggestions 200]
"""

from __future__ import annotations

import argparse
import statistics
import time

from tests.oracles.simulation import RICH, make_plan
from tunecli.oracles import make_oracle
from tunecli.spec.tuners import BayesianTuner
from tunecli.study.trial import Outcome, Suggestion, TrialStatus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suggestions", type=int, default=200)
    most = parser.parse_args().suggestions
    tuner = BayesianTuner(name="bayesian", max_trials=most, num_initial_points=5)
    plan = make_plan("bayesian", RICH).model_copy(update={"tuner": tuner})
    oracle = make_oracle(plan)
    costs, faults = [], []
    for _ in range(most):
        began = time.perf_counter()
        suggestion = oracle.ask(0, limit=most)
        costs.append(time.perf_counter() - began)
        assert isinstance(suggestion, Suggestion)
        faults += plan.space.faults(suggestion.values)
        score = abs(float(str(suggestion.values["rate"])) - 0.002) + float(str(suggestion.values["units"])) / 1e4
        oracle.tell(suggestion.trial, Outcome(TrialStatus.COMPLETED, score))
    median, worst = statistics.median(costs), max(costs)
    print(f"{most} suggestions over {len(RICH)} parameters: {len(faults)} outside the space")
    print(f"seconds a suggestion: median {median:.2f}, most {worst:.2f}")


if __name__ == "__main__":
    main()
