"""`tunecli lr-find`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunsOption, SetOption, SpecArgument
from tunecli.errors import StudyError, UsageError

if TYPE_CHECKING:
    from tunecli.plan import Plan
    from tunecli.spec.load import SpecFile
    from tunecli.tools.lr_find import Chosen, Curve, Findings, Spot, Sweep

_SUFFIX = "-lr"
"""Of the copy's name, and of its study's."""


def lr_find(
    config: SpecArgument,
    copy: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="With --apply: the copy to write.", show_default=False)
    ] = None,
    overrides: SetOption = None,
    low: Annotated[float, typer.Option("--min", help="The rate to begin with.")] = 1e-5,
    high: Annotated[float, typer.Option("--max", help="The rate to go up to.")] = 10.0,
    steps: Annotated[int, typer.Option("--steps", help="Batches on the way.")] = 500,
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder of picture and figures; default: the study's lr_find/."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help=f"Write a copy of the config with the rate in it; default: *{_SUFFIX}.yaml.")
    ] = False,
    runs: RunsOption = DEFAULT_RUNS,
    as_json: JsonOption = False,
) -> None:
    """Find a learning rate: train once, with a rate that grows from batch to batch until the loss shoots up."""
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.store.layout import StudyLayout
    from tunecli.tools.lr_find import Sweep, choose_values, find_rates, rate_line

    if copy is not None and not apply:
        raise UsageError("is written by --apply alone", where=str(copy), hint=f"add --apply, or drop {copy}")
    sweep = _checked(Sweep(low, high, steps))
    file = load(config, overrides or [])
    target = _free(copy or config.with_name(f"{config.stem}{_SUFFIX}{config.suffix}")) if apply else None
    if target is not None:
        _with_rate(file, sweep.low)  # what cannot be edited is refused before anything is trained
    with output.busy("reading the data"):
        plan = resolve(file, runs=runs)
    chosen = choose_values(plan, str(config))
    _say_what_is_taken(chosen, plan, config)
    curve = _train(file, plan, chosen, sweep, runs)
    findings = find_rates(curve)
    folder = folder or StudyLayout(runs / plan.name).lr_find
    picture, figures = _write(folder, plan, chosen, curve, findings)
    suggestion = findings.suggestion
    line = None if suggestion is None else rate_line(file.text, suggestion, source=str(config))
    if target is not None and suggestion is not None:
        _apply(file, suggestion, target, overrides or [], runs)
    applied = None if suggestion is None else target
    if as_json:
        found = _document(plan, chosen, curve, findings, line)
        paths = {"picture": picture, "figures": figures, "applied": applied}
        output.json({**found, **{name: None if path is None else str(path) for name, path in paths.items()}})
    else:
        output.result(_text(plan, curve, findings, line))
    output.say(f"wrote {picture} and {figures.name}")
    _say_what_is_next(file, plan, findings, [] if applied is None else [str(applied), *_switches(overrides or [])])


def _checked(sweep: Sweep) -> Sweep:
    """Refuses a sweep that is none."""
    if not 0 < sweep.low < float("inf"):
        raise UsageError(f"{sweep.low:g} is not above 0", where="--min", hint="write --min 1e-5")
    if not sweep.low < sweep.high < float("inf"):
        raise UsageError(f"{sweep.high:g} is not above --min ({sweep.low:g})", where="--max", hint="write --max 10")
    if sweep.steps < 50:
        raise UsageError(f"{sweep.steps} batches show no curve", where="--steps", hint="write 50 or more")
    return sweep


def _free(path: Path) -> Path:
    """Refuses to overwrite a file."""
    if path.exists():
        hint = "name another file behind --apply, or delete this one"
        raise UsageError("is there already", where=str(path), hint=hint)
    return path


def _say_what_is_taken(chosen: Chosen, plan: Plan, config: Path) -> None:
    from tunecli.spec.space import show_value

    if chosen.settled:
        taken = ", ".join(f"{name}={show_value(value)}" for name, value in chosen.settled.items())
        output.say(f"of what is searched, the test takes {taken}; set others with -S search_space.NAME=VALUE")
    if chosen.ignored:
        output.say(f"left out, since the rate takes a course of its own: {', '.join(chosen.ignored)}")
    if plan.callbacks:
        output.say("the test calls none of your callbacks")
    optimizers = next((each.values for each in plan.space if each.name == "optimizer"), ())
    if others := [str(each) for each in optimizers if each != chosen.values["optimizer"]]:
        name = f"tunecli lr-find {config} -S search_space.optimizer={others[0]}"
        output.say(f"the rate is one for {chosen.values['optimizer']}; for another optimizer: {name}")


def _train(file: SpecFile, plan: Plan, chosen: Chosen, sweep: Sweep, runs: Path) -> Curve:
    from tunecli.training.runtime import import_tensorflow

    with output.busy("starting TensorFlow"):
        import_tensorflow()
    from tunecli.tools.lr_find.training import run_sweep

    with output.busy(f"training, {sweep.steps} batches at most"):
        return run_sweep(file, plan, chosen.values, sweep, runs)


def _write(folder: Path, plan: Plan, chosen: Chosen, curve: Curve, findings: Findings) -> tuple[Path, Path]:
    from tunecli.tools.lr_find.drawing import draw, write_csv
    from tunecli.tools.lr_find.values import present_rates

    picture, figures = folder / "lr_find.png", folder / "lr_find.csv"
    write_csv(figures, curve)
    trained = f"{plan.family} on {plan.dataset.name}, {chosen.values['optimizer']}"
    title = f"Learning-rate range test of {plan.name}\n{trained}"
    draw(picture, curve, findings, title=title, loss=str(chosen.values["loss"]), present=present_rates(plan))
    return picture, figures


def _with_rate(file: SpecFile, rate: float) -> str:
    from tunecli.spec.rewrite import read_exactly
    from tunecli.tools.lr_find import with_rate

    return with_rate(read_exactly(file.path), rate, suffix=_SUFFIX, source=str(file.path))


def _apply(file: SpecFile, suggestion: float, target: Path, overrides: Sequence[str], runs: Path) -> None:
    """Writes the copy, and takes it away again if it is not valid where it stands."""
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.store.files import write_whole

    write_whole(target, _with_rate(file, suggestion).encode())
    try:
        resolve(load(target, overrides), runs=runs)
    except BaseException:
        target.unlink()
        raise


def _document(plan: Plan, chosen: Chosen, curve: Curve, findings: Findings, line: str | None) -> dict[str, Any]:
    sweep = curve.sweep
    return {
        "study": plan.name,
        "sweep": {"min": sweep.low, "max": sweep.high, "steps": sweep.steps, "factor": sweep.factor},
        "steps_taken": len(curve.records),
        "ending": curve.ending,
        "values": {name: value for name, value in chosen.values.items() if name != "learning_rate"},
        "settled": list(chosen.settled),
        "suggestion": findings.suggestion,
        "turning_point": _spot_json(findings.turning),
        "steepest_descent": _spot_json(findings.steepest),
        "doubts": list(findings.doubts),
        "yaml": line,
    }


def _spot_json(spot: Spot | None) -> dict[str, Any] | None:
    return None if spot is None else {"step": spot.step, "learning_rate": spot.rate, "smoothed_loss": spot.smoothed}


_ENDINGS = {
    "complete": "to the end",
    "diverged": "until the loss was 4 times its least",
    "not finite": "until the loss was no number any more",
}


def _text(plan: Plan, curve: Curve, findings: Findings, line: str | None) -> str:
    from tunecli.tools.lr_find.findings import shown

    sweep, last = curve.sweep, curve.records[-1]
    assert curve.ending is not None, "the sweep has ended"
    lines = [
        f"{plan.name}: rates from {sweep.low:g} on, each {sweep.factor:.4g} times the last, {_ENDINGS[curve.ending]}: "
        f"{last.step} batches, up to {shown(last.rate)}"
    ]
    for name, spot in (("turning point", findings.turning), ("steepest descent", findings.steepest)):
        value = "none" if spot is None else f"{shown(spot.rate):<10} smoothed loss {spot.smoothed:.4g}"
        lines.append(f"  {name:<18}{value}")
    if findings.suggestion is not None:
        lines.append(f"  {'suggestion':<18}{shown(findings.suggestion):<10} a tenth of the turning point")
    return "\n".join([*lines, *([] if line is None else ["", line])])


def _switches(overrides: Sequence[str]) -> list[str]:
    """Returns overrides as they are typed."""
    return [part for each in overrides for part in ("-S", shlex.quote(each))]


def _say_what_is_next(file: SpecFile, plan: Plan, findings: Findings, searched: Sequence[str]) -> None:
    """Says what a user may do with the suggestion.

    Args:
        file: The spec.
        plan: Its plan.
        findings: What the sweep shows.
        searched: What to call `tunecli search` with; empty where no copy was written.

    Raises:
        StudyError: There is none.
    """
    from tunecli.spec.space import show_value
    from tunecli.tools.lr_find import rate_path
    from tunecli.tools.lr_find.values import present_rates

    if findings.suggestion is None:
        what, _, hint = findings.doubts[0].partition(": ")
        raise StudyError(f"no learning rate is suggested: {what}", where=str(file.path), hint=hint)
    for doubt in findings.doubts:
        output.say(f"note: {doubt}")
    low, high = present_rates(plan) or (findings.suggestion, findings.suggestion)
    if low < high and not low <= findings.suggestion <= high:
        output.say(f"note: the suggestion lies outside the range of the spec, {show_value(low)} … {show_value(high)}")
    if searched:
        output.say(f"wrote {searched[0]}; next: tunecli search {' '.join(searched)}")
        return
    block = rate_path(file.text, source=str(file.path))[0]
    output.say(f"next: put the line into {block}: of {file.path}, or write a copy that has it: add --apply")
