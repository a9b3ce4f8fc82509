"""What raters said, written out: figures as JSON and Parquet, and one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from noise2music.core.storage import Store, open_store
from noise2music.evaluation.listening.answers import read_answers
from noise2music.evaluation.listening.precision import Audit, audit_precision
from noise2music.evaluation.listening.questionnaire import read_key
from noise2music.evaluation.listening.ranking import Ranking, rank
from noise2music.evaluation.listening.raters import Rater
from noise2music.evaluation.listening.results import precision_json, precision_table, ranking_json, ranking_table
from noise2music.evaluation.results import json_file
from noise2music.flows.pages.ranking import render_audit, render_ranking
from noise2music.labeling.datasets.parts import parquet_bytes


@dataclass(frozen=True)
class Ranked:
    """rankings: one a question. page: where it is."""

    rankings: tuple[Ranking, ...]
    raters: tuple[Rater, ...]
    page: str


def rank_answers(answers: Sequence[str], key: str, out: str, drop_failed: bool = False, seed: int = 0) -> Ranked:
    """Rank the systems of a listening test by files of answers; write ranking.json, ranking.parquet and ranking.html into `out`.

    Raises UserError.
    """
    of = read_key(key)
    rankings, raters = rank(read_answers(answers, of), of, drop_failed, seed)
    page = render_ranking(rankings, raters, of, drop_failed)
    return Ranked(
        tuple(rankings), tuple(raters), _write(out, "ranking", ranking_json(rankings, raters, of), ranking_table(rankings, of), page)
    )


def audit_answers(answers: Sequence[str], key: str, out: str, drop_failed: bool = False) -> tuple[Audit, str]:
    """Precision of labels by files of answers, and the page's place; writes precision.json, .parquet and .html into `out`.

    Raises UserError.
    """
    of = read_key(key)
    audit = audit_precision(read_answers(answers, of), of, drop_failed)
    return audit, _write(out, "precision", precision_json(audit, of), precision_table(audit, of), render_audit(audit, of, drop_failed))


def _write(out: str, name: str, figures: Mapping[str, Any], table: pa.Table, page: str) -> str:
    store: Store = open_store(out)
    store.put_changed(f"{name}.json", json_file(figures))
    store.put_changed(f"{name}.parquet", parquet_bytes(table, table.schema))
    store.put_changed(f"{name}.html", page.encode())
    return store.describe(f"{name}.html")
