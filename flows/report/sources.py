"""The finished datasets that a report is made from, and the ways of reading them that need little memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labeling.dataset import Dataset
from labeling.parts import read_parquet


@dataclass(frozen=True)
class VocabularyDatasets:
    """The finished datasets of one vocabulary. `null` is None when no random pairs were scored."""

    vocabulary: Dataset
    embed_text: Dataset
    retrieve: Dataset
    null: Dataset | None
    count: Dataset
    sample: Dataset


@dataclass(frozen=True)
class LabelDatasets:
    """The finished datasets of one labeling run; vocabularies by name, shown in that order.

    `embed` is the list of scored clips. Without `ingest` titles and tags are unknown, without `shard` there is nothing to hear:
    a rehearsal on made-up embeddings has neither. `songs` and `write` are there when an LLM wrote a vocabulary, `fingerprint` and `copies`
    where copies were looked for (`corpus.copies`). Runs made before audio had a stage of its own have no `audio`: their shards hold it.
    `embed`, `ingest`, `audio`, `shard`, `retrieve` and `sample` have the same parts.
    """

    inventory: Dataset | None
    probe: Dataset | None
    ingest: Dataset | None
    embed: Dataset
    shard: Dataset | None
    vocabularies: Mapping[str, VocabularyDatasets]
    songs: Dataset | None = None
    write: Dataset | None = None
    fingerprint: Dataset | None = None
    copies: Dataset | None = None
    audio: Dataset | None = None

    def all(self) -> list[Dataset]:
        """Every dataset in the order of the flow."""
        found: list[Dataset | None] = [self.inventory, self.probe, self.fingerprint, self.copies, self.ingest]
        found += [self.songs, self.write, self.embed]
        for datasets in self.vocabularies.values():
            found += [datasets.vocabulary, datasets.embed_text, datasets.retrieve, datasets.null, datasets.count, datasets.sample]
        return [dataset for dataset in (*found, self.audio, self.shard) if dataset is not None]


def rows_where(dataset: Dataset, part: int, column: str, values: Collection[str], columns: Sequence[str]) -> pa.Table | None:
    """Rows of one part whose `column` holds one of `values`; None when there are none.

    Only the row groups that hold such a row are read whole, so a shard of hundreds of MB costs a few of them.
    """
    wanted = pa.array(sorted(values), pa.string())
    found = []
    for file in dataset.manifest.parts[part].files:
        with dataset.store.reader(f"{dataset.path}/{file.path}") as source:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            for group in range(parquet.num_row_groups):
                mask = pc.is_in(parquet.read_row_group(group, [column], use_threads=False).column(column), wanted)
                if pc.any(mask).as_py():
                    found.append(parquet.read_row_group(group, list(columns), use_threads=False).filter(mask))
    return pa.concat_tables(found) if found else None


def dead_tables(dataset: Dataset) -> Iterator[pa.Table]:
    """Dead rows part by part (schemas.DEAD)."""
    for record in dataset.manifest.parts:
        if record.dead is not None:
            yield read_parquet(dataset.store, f"{dataset.path}/{record.dead.path}")
