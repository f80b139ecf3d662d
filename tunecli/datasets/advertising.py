"""Advertising: budgets and sales in 200 markets; ships inside the package.

From James, Witten, Hastie and Tibshirani, An Introduction to Statistical Learning, chapter 2.
"""

from __future__ import annotations

from pathlib import Path

from tunecli.datasets.base import DatasetCard, DatasetOptions, Description, LoadScript, RawData
from tunecli.datasets.columns import accept, choose_features
from tunecli.datasets.csv_file import CsvFile
from tunecli.spec.experiment import Task

FEATURES = ("TV", "radio", "newspaper")
TARGET = "sales"

_FILE = Path(__file__).parent / "data" / "advertising.csv"


class Advertising:
    """The data set."""

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title="Advertising: sales in 1,000 units by budgets in 1,000 $",
            shape="200 rows × 3 features",
            task=Task.REGRESSION,
            source="https://www.statlearning.com (An Introduction to Statistical Learning)",
            licence="figures, free to use; inside the package",
        )

    def describe(self, options: DatasetOptions) -> Description:
        """Says what is known without the file; its options are `features` and `exclude`.

        Raises:
            OptionError: Another option is given, or a feature does not exist.
        """
        accept(options, "advertising", "features", "exclude")
        features = choose_features(options.features, (*FEATURES, TARGET), TARGET, exclude=options.exclude)
        return Description(task=Task.REGRESSION, target=TARGET, features=features, rows=200)

    def load(self, options: DatasetOptions) -> RawData:
        """Loads the file that ships with the package."""
        features = self.describe(options).features
        return CsvFile().load(DatasetOptions(path=str(_FILE), target=TARGET, task=Task.REGRESSION, features=features))

    def find(self) -> Path:
        """Returns the file inside the package."""
        return _FILE

    def fetch(self) -> Path:
        """Returns the file inside the package; there is nothing to fetch."""
        return _FILE

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes the figures into the script."""
        names = (*FEATURES, TARGET)
        chosen = [names.index(name) for name in self.describe(options).features]
        functions = f'''
def load():
    """Returns the budgets, and the sales."""
    table = np.loadtxt(ADVERTISING.split()[1:], delimiter=",")
    return table[:, {chosen}], table[:, {names.index(TARGET)}]
'''
        figures = ['ADVERTISING = """', *_FILE.read_text(encoding="utf-8").split(), '"""']
        return LoadScript(functions.strip().split("\n"), figures=figures)


DATASET = Advertising()
