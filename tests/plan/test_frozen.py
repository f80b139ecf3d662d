"""Plans of earlier versions: what they were made from comes to the same bytes today."""

from __future__ import annotations

from pathlib import Path

from tunecli.plan import Plan, resolve
from tunecli.spec.load import load
from tunecli.store.files import read_json, write_json

DATA = Path(__file__).parent.parent / "data"
TABLE = "size,rooms,price,sold\n50,2,110.5,yes\n75,3,160.2,no\n90,4,201.9,yes\n30,1,70.1,no\n"
SPEC = """
name: houses
dataset: {name: csv, path: houses.csv, target: price, features: [size, rooms]}
model: {family: mlp, hidden_layers: 1}
search_space:
  units: [4, 8]
  learning_rate: {min: 1e-3, max: 1e-1, log: true}
tuner: {name: random, max_trials: 2}
"""


def test_a_spec_of_one_target_makes_the_plan_that_it_always_made() -> None:
    Path("houses.csv").write_text(TABLE)
    Path("spec.yaml").write_text(SPEC)
    document = resolve(load(Path("spec.yaml"))).model_dump(mode="json")
    document["dataset"]["options"]["path"] = "houses.csv"  # which is absolute
    write_json(Path("plan.json"), document)
    assert Path("plan.json").read_bytes() == (DATA / "plan-v1.json").read_bytes()


def test_a_plan_of_an_earlier_version_is_read() -> None:
    plan = Plan.model_validate(read_json(DATA / "plan-v1.json"))
    assert (plan.dataset.options.target, plan.targets) == ("price", ())
    assert plan.complete({"units": 8})["hidden_layers"] == 1
