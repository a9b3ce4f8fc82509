"""Stage "embed_text": the captions of a part -> their embeddings in the joint space and in the text tower's own space."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from noise2music.labeling.datasets.arrow import stored_vector, vectors_column
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import embed_text_schema
from noise2music.labeling.scorers.base import Scorer

VERSION = 1
CARRY_COLUMNS = ("caption_id", "caption")
_BLOCK = 2048


def embed_text_part(context: PartContext, captions: pa.Table, scorer: Scorer, carry: CarryOver) -> Iterator[pa.Table]:
    """Captions of one part (schemas.VOCABULARY) -> one table of schemas.embed_text_schema, in the same order."""
    schema = embed_text_schema(scorer.dim, scorer.text_dim)
    context.device = scorer.device
    ids, texts = captions.column("caption_id").to_pylist(), captions.column("caption").to_pylist()
    keys = list(zip(ids, texts, strict=True))
    earlier = carry.take(keys)
    context.count("carried", len(earlier))
    context.advance(len(earlier))
    joint = np.zeros((len(keys), scorer.dim), np.float32)
    meaning = np.zeros((len(keys), scorer.text_dim), np.float32)
    for row, key in enumerate(keys):
        if key in earlier:
            joint[row] = stored_vector(earlier[key], "embedding")
            meaning[row] = stored_vector(earlier[key], "meaning")
    fresh = [row for row, key in enumerate(keys) if key not in earlier]
    for start in range(0, len(fresh), _BLOCK):
        rows = fresh[start : start + _BLOCK]
        embedded = scorer.embed_text([texts[row] for row in rows])
        joint[rows], meaning[rows] = embedded.joint_embeddings, embedded.text_embeddings
        context.advance(len(rows))
    if len(keys):
        yield pa.table(
            {"caption_id": ids, "caption": texts, "embedding": vectors_column(joint), "meaning": vectors_column(meaning)},
            schema,
        )
