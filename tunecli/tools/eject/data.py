"""Writes which rows go where, and the preprocessing: the counterpart of `datasets.split` and `preprocessing`."""

from __future__ import annotations

from tunecli.datasets.base import Description, LoadScript
from tunecli.datasets.split import part_sizes
from tunecli.plan import Plan
from tunecli.scripting import Lines, indented
from tunecli.spec.experiment import Task

_SPREAD = '''
def spread(rows):
    """Returns at most MAX_ROWS of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(int)]
'''
_BY_CLASS = '''
def by_class(order, y):
    """Returns an order of which every stretch holds the classes evenly."""
    position = np.empty(len(order))
    for code in np.unique(y):
        members = np.flatnonzero(y[order] == code)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
        position[members[-1]] = 1.0  # the last to be given away: one row of each class is trained on
    return order[np.argsort(position, kind="stable")]
'''
_SCALE = '''
def scale(numbers, train):
    """Scales columns to mean 0 and standard deviation 1 of the training rows; a column of one value becomes 0."""
    fitted = numbers[train]
    deviation = np.where(np.ptp(fitted, axis=0) > 0, fitted.std(axis=0), np.inf)
    return ((numbers - fitted.mean(axis=0)) / deviation).astype("float32")
'''
_SCALE_WITH_MISSING = '''
def scale(numbers, train):
    """Scales columns to mean 0 and standard deviation 1 of the training rows; a column of one value becomes 0.

    A missing number becomes the median, and a column of 0 and 1 behind the others says where.
    """
    missing = np.isnan(numbers)
    known = [column[~np.isnan(column)] for column in numbers[train].T]
    filled = np.where(missing, [np.median(column) if len(column) else 0.0 for column in known], numbers)
    fitted = filled[train]
    deviation = np.where(np.ptp(fitted, axis=0) > 0, fitted.std(axis=0), np.inf)
    scaled = (filled - fitted.mean(axis=0)) / deviation
    return np.concatenate([scaled, missing[:, missing[train].any(axis=0)]], axis=1).astype("float32")
'''
_ONE_HOT = '''
def one_hot(texts, train):
    """Returns a column of 0 and 1 for each text among the training rows."""
    known = np.unique(texts[train])
    return (texts[:, np.newaxis] == known).astype("float32")
'''
_ONE_HOT_WITH_MISSING = '''
def one_hot(texts, train):
    """Returns a column of 0 and 1 for each text among the training rows, that of missing ones last."""
    known = np.unique(texts[train])
    known = np.append(known[known != ""], known[known == ""])
    return (texts[:, np.newaxis] == known).astype("float32")
'''


def data_constants(plan: Plan, description: Description) -> Lines:
    """Writes how many rows are in each part."""
    assert description.rows is not None, "the rows of every data set are known from its description"
    test, validation = part_sizes(description.rows, plan.dataset.validation, plan.dataset.test)
    lines = [f"SPLIT_SEED = {plan.dataset.split_seed}"]
    if test:
        lines.append(f"TEST_ROWS = {test}  # of {description.rows:,}: held back, and used nowhere here")
    if validation:
        lines.append(f"VALIDATION_ROWS = {validation}  # score the trials; all others are trained on")
    if plan.dataset.max_rows is not None:
        lines.append(f"MAX_ROWS = {plan.dataset.max_rows}  # of each part")
    return lines


def data_functions(plan: Plan, description: Description, load: LoadScript) -> list[Lines]:
    """Writes the functions that turn what `load` returns into the arrays of each part; the last is `arrays`."""
    texts = [_ONE_HOT_WITH_MISSING if load.has_missing_texts else _ONE_HOT] if load.has_texts else []
    numbers = [_SCALE_WITH_MISSING if load.has_missing_numbers else _SCALE] if load.has_numbers else []
    helpers = [
        *([_BY_CLASS] if plan.task.has_classes else []),
        *([_SPREAD] if plan.dataset.max_rows is not None else []),
        *numbers,
        *texts,
    ]
    functions = [helper.strip().split("\n") for helper in helpers]
    return [_split_function(plan), *functions, _arrays_function(plan, description, load)]


def _split_function(plan: Plan) -> Lines:
    has_validation = plan.dataset.validation > 0
    given = "order[TEST_ROWS:]" if plan.dataset.test else "order"
    wrap = "spread(np.sort({}))" if plan.dataset.max_rows is not None else "np.sort({})"
    body = [
        f'"""Returns the rows to train on{" and those to validate on" if has_validation else ""}."""',
        "# this stream is the same in every version of NumPy",
        "random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(SPLIT_SEED)))",
        "order = random.permutation(len(y))",
        *(["order = by_class(order, y)"] if plan.task.has_classes else []),
    ]
    if has_validation:
        body.append(f"validation, train = np.split({given}, [VALIDATION_ROWS])")
        body.append(f"return {wrap.format('train')}, {wrap.format('validation')}")
    else:
        body.append(f"return {wrap.format(given)}")
    return ["def split(y):", *indented(body)]


def _arrays_function(plan: Plan, description: Description, load: LoadScript) -> Lines:
    has_validation = plan.dataset.validation > 0
    of = "the training part, and of the validation part" if has_validation else "the training part"
    parts = "(x[train], y[train]), (x[validation], y[validation])" if has_validation else "x[train], y[train]"
    columns = ", ".join(["numbers"] * load.has_numbers + ["texts"] * load.has_texts)
    body = [
        f'"""Returns inputs and targets of {of}."""',
        f"{columns or 'images'}, y = load({'path' if load.path else ''})",
        f"{'train, validation' if has_validation else 'train'} = split(y)",
        *_inputs(description, load),
        'y = y.astype("int32")' if plan.task is Task.MULTICLASS else 'y = y.astype("float32")[:, np.newaxis]',
        f"return {parts}",
    ]
    return [f"def arrays({'path' if load.path else ''}):", *indented(body)]


def _inputs(description: Description, load: LoadScript) -> Lines:
    if description.image_shape:
        return ['x = images.astype("float32") / 255']
    encoded = "*(one_hot(column, train) for column in texts.T)"
    if not load.has_texts:
        return ["x = scale(numbers, train)"]
    parts = f"scale(numbers, train), {encoded}" if load.has_numbers else encoded
    return [f"x = np.concatenate([{parts}], axis=1)"]
