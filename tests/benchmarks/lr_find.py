"""Whether `tunecli lr-find` suggests a good rate: the mlp on California housing from its suggestion, and from a grid.

    python -m tests.benchmarks lr_find [--epochs 10] [--optimizer adam …] [--seed 0] [--json]

The grid has ten rates from 1e-5 to 1, evenly spaced by magnitude; the spec is the same for all but the rate, and so are
seed, data and epochs. The exit code is 1 if the best val_rmse of a training from the suggestion is more than 10 %
above that of the best of the grid. Needs TUNECLI_DATA.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tunecli.cli.main import run

GRID = [10 ** (-5 + 5 * index / 9) for index in range(10)]
MARGIN = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--optimizer", nargs="+", default=["adam"], metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {name: measure(name, options.epochs, options.seed) for name in options.optimizer}
    print(json.dumps(results, indent=2) if options.json else "\n\n".join(map(table, results.items())))
    sys.exit(0 if all(result["ratio"] <= MARGIN for result in results.values()) else 1)


def measure(optimizer: str, epochs: int, seed: int) -> dict[str, Any]:
    """Tests the rates, and trains from the suggestion and from each of the grid."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = write_spec(folder, optimizer, epochs, seed, rates={"min": 1e-5, "max": 1.0, "log": True})
        found = tunecli("lr-find", spec, "--runs", folder / "runs")
        rates = [*GRID, found["suggestion"]]
        # one search of one choice: its trials share seed, data and program
        tunecli("search", write_spec(folder, optimizer, epochs, seed, rates=rates), "--runs", folder / "runs")
        document = tunecli("best", "lr", "--top", len(rates), "--runs", folder / "runs")
    scores = {each["values"]["learning_rate"]: each["score"] for each in document["trials"]}
    best = min(scores[rate] for rate in GRID if rate in scores)
    suggested = scores[found["suggestion"]]
    return {"suggestion": found, "scores": scores, "best": best, "suggested": suggested, "ratio": suggested / best}


def write_spec(folder: Path, optimizer: str, epochs: int, seed: int, *, rates: Any) -> Path:
    spec = {
        "name": "lr",
        "seed": seed,
        "dataset": "california_housing",
        "model": {"family": "mlp", "optimizer": optimizer},
        "search_space": {"learning_rate": rates},
        "tuner": "grid" if isinstance(rates, list) else "random",
        "training": {"epochs": epochs},
        "baselines": False,
    }
    path = folder / "lr.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def tunecli(*arguments: object) -> dict[str, Any]:
    """Runs a command and returns its document."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run([*map(str, arguments), "--json", "--quiet"])
    if code:
        sys.exit(f"tunecli {' '.join(map(str, arguments))} failed with {code}")
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def table(named: tuple[str, dict[str, Any]]) -> str:
    name, result = named
    found = result["suggestion"]
    lines = [
        f"{name}: turning point {found['turning_point']['learning_rate']:.2g}, suggestion {found['suggestion']:.2g}"
    ]
    lines.append(f"{'learning rate':>15} {'val_rmse':>10}")
    for rate, score in sorted(result["scores"].items()):
        lines.append(f"{rate:15.3g} {score:10.4f}{'   suggested' if rate == found['suggestion'] else ''}")
    lines.append(f"suggested / best of the grid: {result['ratio']:.3f} (at most {MARGIN})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
