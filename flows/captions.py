"""The captions of one vocabulary as one flat table: to read, to clean further, or as the source of another run."""

from pathlib import Path

from flows.table_file import write_table
from labeling.dataset import Dataset, list_datasets
from labeling.errors import UserError
from labeling.schemas import VOCABULARY
from labeling.storage import Store


def write_captions_table(root: Store, name: str, target: Path) -> int:
    """Write the latest vocabulary of that name as csv, jsonl or parquet, by the suffix: columns of schemas.VOCABULARY. Gives the rows.

    Raises UserError when there is no such vocabulary.
    """
    return write_table(target, VOCABULARY, _latest(root, name).tables())


def _latest(root: Store, name: str) -> Dataset:
    vocabularies = list_datasets(root, "vocabulary")
    found = [dataset for dataset in vocabularies if dataset.name == name]
    if not found:
        names = ", ".join(sorted({dataset.name for dataset in vocabularies})) or "no vocabulary at all"
        raise UserError(f"{root.uri} has no finished vocabulary {name!r}; it has {names}.")
    return found[-1]
