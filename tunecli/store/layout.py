"""Every file name of a run directory, in one place.

A run directory:
    runs/<name>/
      spec.yaml  plan.json  environment.json  data.json  journal.jsonl  lock  test_looks.jsonl  baselines.json
      checks.json
      trials/<id>/  epochs.jsonl  layers.json  log.txt  state.npz  trainings/<k>/ (the same for each fold and repeat)
      sources/<sha256>/  the user's own files that trials run from, each by its name
      scratch/  data/  slot-<k>/
      best/  bundle.json  model.keras  model.py  model.json  metrics.json  card.md  card.json  preprocessing.json
             environment.json  members/<k>.keras
      best.new/  best.old/
      report.html  report.md  trace/<id>/  curves/  lr_find/  tensorboard/    what people look at; no command reads them
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


def source_path(folder: Path, sha256: str, name: str) -> Path:
    """Returns where a copy of a user's file lies: by its content, since two may have one name."""
    return folder / sha256[:16] / name


@dataclass(frozen=True)
class TrialLayout:
    """The files of one trial."""

    folder: Path

    @property
    def epochs(self) -> Path:
        """One measurement a line."""
        return self.folder / "epochs.jsonl"

    @property
    def layers(self) -> Path:
        """The model's layers, with output shapes and parameter counts."""
        return self.folder / "layers.json"

    @property
    def log(self) -> Path:
        """What the trial had to say: tracebacks and warnings."""
        return self.folder / "log.txt"

    @property
    def state(self) -> Path:
        """A full state: of a running trial as it was last saved, of one that has ended as it ended, while needed."""
        return self.folder / "state.npz"

    @property
    def trainings(self) -> Path:
        """A folder for each training, where there are several."""
        return self.folder / "trainings"

    def training(self, number: int | None) -> TrialLayout:
        """The files of one of several trainings, counted from 0; the trial's own if there is one only."""
        return self if number is None else TrialLayout(self.trainings / str(number))


@dataclass(frozen=True)
class BestLayout:
    """What `retrain` leaves behind."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """What the folder holds, with the hash of every other file; see `training.manifest`."""
        return self.folder / "bundle.json"

    @property
    def environment(self) -> Path:
        """The versions and the machine that the models were trained with."""
        return self.folder / "environment.json"

    @property
    def model(self) -> Path:
        """The trained Keras model."""
        return self.folder / "model.keras"

    @property
    def code(self) -> Path:
        """The code of a custom model, without which Keras cannot read it."""
        return self.folder / "model.py"

    @property
    def recipe(self) -> Path:
        """What the code of a custom model was called with."""
        return self.folder / "model.json"

    @property
    def preprocessing(self) -> Path:
        """What was fitted to the training rows, as plain figures."""
        return self.folder / "preprocessing.json"

    @property
    def metrics(self) -> Path:
        """Scores on every part of the data."""
        return self.folder / "metrics.json"

    @property
    def card(self) -> Path:
        """The model card, for people."""
        return self.folder / "card.md"

    @property
    def card_document(self) -> Path:
        """The model card, for programs."""
        return self.folder / "card.json"

    def member(self, number: int) -> Path:
        """A model of the ensemble, counted from 0; the first is the same as `model`."""
        return self.folder / "members" / f"{number}.keras"

    @property
    def successor(self) -> BestLayout:
        """What is being built to take its place."""
        return BestLayout(self.folder.with_name(f"{self.folder.name}.new"))

    @property
    def predecessor(self) -> BestLayout:
        """What it has just taken the place of."""
        return BestLayout(self.folder.with_name(f"{self.folder.name}.old"))


@dataclass(frozen=True)
class CurvesLayout:
    """What `curves` writes, into the study or elsewhere."""

    folder: Path

    @property
    def picture(self) -> Path:
        """A panel for each trial."""
        return self.folder / "curves.png"

    @property
    def table(self) -> Path:
        """A row for each epoch of each training."""
        return self.folder / "curves.csv"


@dataclass(frozen=True)
class TraceLayout:
    """What `trace` leaves behind, of a trial or beside a spec."""

    folder: Path

    @property
    def table(self) -> Path:
        """A row for each update."""
        return self.folder / "trace.csv"

    @property
    def loss(self) -> Path:
        """The losses, update by update."""
        return self.folder / "loss.png"

    @property
    def epochs(self) -> Path:
        """The losses and the metric, epoch by epoch."""
        return self.folder / "epochs.png"

    @property
    def norms(self) -> Path:
        """The norms of each layer."""
        return self.folder / "norms.png"

    @property
    def weights(self) -> Path:
        """The weights of a linear model."""
        return self.folder / "weights.png"

    @property
    def bias(self) -> Path:
        """Its bias."""
        return self.folder / "bias.png"

    @property
    def line(self) -> Path:
        """The line of a model of one column, as it moves over the data."""
        return self.folder / "line.png"

    @property
    def contour(self) -> Path:
        """The cost over its two parameters, with the path on it."""
        return self.folder / "contour.png"

    @property
    def gif(self) -> Path:
        """Path and line as a film."""
        return self.folder / "trace.gif"

    @property
    def webp(self) -> Path:
        """The same, in more colours and fewer bytes."""
        return self.folder / "trace.webp"

    @property
    def all_files(self) -> tuple[Path, ...]:
        """Whatever a trace may have left."""
        pictures = (self.loss, self.epochs, self.norms, self.weights, self.bias, self.line, self.contour)
        return (self.table, *pictures, self.gif, self.webp)


@dataclass(frozen=True)
class StudyLayout:
    """The files of one study."""

    folder: Path

    @property
    def spec(self) -> Path:
        """The spec as it was given."""
        return self.folder / "spec.yaml"

    @property
    def plan(self) -> Path:
        """The plan."""
        return self.folder / "plan.json"

    @property
    def environment(self) -> Path:
        """Versions, host and git state of every session."""
        return self.folder / "environment.json"

    @property
    def data(self) -> Path:
        """The fingerprint of the data."""
        return self.folder / "data.json"

    @property
    def journal(self) -> Path:
        """The events: the only source of truth."""
        return self.folder / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Who works on the study."""
        return self.folder / "lock"

    @property
    def test_looks(self) -> Path:
        """One line for every time the test part was evaluated."""
        return self.folder / "test_looks.jsonl"

    @property
    def baselines(self) -> Path:
        """The simple models that trials are compared with."""
        return self.folder / "baselines.json"

    @property
    def checks(self) -> Path:
        """What was found in the data before the search."""
        return self.folder / "checks.json"

    @property
    def best(self) -> BestLayout:
        """What `retrain` leaves behind."""
        return BestLayout(self.folder / "best")

    @property
    def report(self) -> Path:
        """The report, for browsers."""
        return self.folder / "report.html"

    @property
    def report_markdown(self) -> Path:
        """The report, for pull requests."""
        return self.folder / "report.md"

    @property
    def curves(self) -> Path:
        """Learning curves, drawn and as figures."""
        return self.folder / "curves"

    @property
    def lr_find(self) -> Path:
        """What a learning-rate range test found."""
        return self.folder / "lr_find"

    @property
    def tensorboard(self) -> Path:
        """Events for TensorBoard."""
        return self.folder / "tensorboard"

    def trace(self, trial: int) -> Path:
        """The trace of a trial's training, batch by batch; see `TraceLayout`."""
        return self.folder / "trace" / str(trial)

    @property
    def trials(self) -> Path:
        """A folder for each trial."""
        return self.folder / "trials"

    def trial(self, trial: int) -> TrialLayout:
        """The files of one trial."""
        return TrialLayout(self.trials / str(trial))

    @property
    def sources(self) -> Path:
        """Copies of the user's own files that trials run from; see `source_path`."""
        return self.folder / "sources"

    @property
    def scratch(self) -> Path:
        """What is not kept from one session to the next."""
        return self.folder / "scratch"

    @property
    def stored_data(self) -> Path:
        """The columns that workers read."""
        return self.scratch / "data"

    def slot_scratch(self, slot: int) -> Path:
        """Where a slot's worker writes what the parent moves in place."""
        return self.scratch / f"slot-{slot}"
