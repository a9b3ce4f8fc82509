"""Labelled clips for people who train something else: a torch Dataset over the shards of a labeling run."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from torch.utils.data import Dataset

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError, UserError
from noise2music.models.data.shards import Shards, open_shards

_COLUMNS = ("clip_id", "track_key", "start_ms", "length_ms", "title", "artist", "licence", "tags", "labels", "sample_rate")


class ShardDataset(Dataset[dict[str, Any]]):
    """The labelled clips of one split, by number, with their audio decoded.

    Clip i is always the same clip: clips are in key order, and the set is the one that was current when the dataset was opened. Reading
    one touches the small columns of its row group (16 rows) and its own audio. Workers of a `torch.utils.data.DataLoader` may share it;
    clips differ in length and in their number of labels, so give the loader a `collate_fn` of yours, or `collate_fn=list`.

    Args:
        root: the root of a labeling run, one shard dataset below it, or a folder that `n2m join` wrote; local or in an object store.
        split: which clips, as the run split them.
        cache: where files of an object store are kept (None: the user's cache folder).

    Raises:
        UserError: there are no shards, none of the split, or a file is missing or changed.

    Source: the tables are described in labeling/schemas.py (SHARD).
    """

    def __init__(self, root: str | Path, split: str = "train", cache: str | Path | None = None) -> None:
        self.root, self.split = str(root), split
        self._cache = None if cache is None else Path(cache)
        self._shards: Shards = open_shards(self.root, split, None, self._cache)
        self.digest = self._shards.digest
        """Hash of the set of clips."""

    def __len__(self) -> int:
        return self._shards.clips

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One clip.

        Args:
            index: 0 to len - 1, or negative from the end.

        Returns:
            `audio` (samples,) float32 mono, full scale 1, at `sample_rate` Hz; `captions`, the texts of `labels`, which hold vocabulary,
            caption_id, caption, score, rank, frequency and p each; `tags`; `title`, `artist` and `licence`, which may be None;
            `track_key`, the file it came from; `start_ms` and `length_ms` there; `clip_id`.

        Raises:
            IndexError: there is no such clip.
            RowError: its audio cannot be decoded.
            UserError: a file is missing or changed.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        group, inside = self._shards.locate(int(index) % len(self))
        row: dict[str, Any] = self._shards.read_group(group, _COLUMNS, only=inside).slice(inside, 1).to_pylist()[0]
        audio = _decode(row.pop("audio")["bytes"])
        return {"audio": audio, "captions": [label["caption"] for label in row["labels"]], **row}

    def __getstate__(self) -> dict[str, Any]:
        """The state for a worker process: without open files."""
        return {name: value for name, value in self.__dict__.items() if name != "_shards"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._shards = open_shards(self.root, self.split, None, self._cache)
        if self._shards.digest != self.digest:
            raise UserError(f"{self.root} was labelled again since this dataset was opened, so its clips are others now. Open it again.")


def _decode(flac: bytes) -> Float32s:
    """The whole clip (samples,)."""
    try:
        audio, _ = soundfile.read(io.BytesIO(flac), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise RowError("not_audio", str(error).strip()) from None
    return np.asarray(audio.mean(axis=1), np.float32)
