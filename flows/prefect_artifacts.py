"""What a labeling run leaves on a Prefect server for people to look at: the funnel, how captions are used, and where the report is."""

import json
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.prefect_page import link_page
from flows.report.caption_use import use_curves
from flows.report.picture import picture_uri
from flows.report.stage import FIGURES
from labeling.dataset import Dataset

_HEAD = ("vocabulary", "captions", "used by candidates", "used by labels", "bits before", "after", "Gini before", "after")


def create_artifacts(root: str, report: Dataset, report_path: str) -> None:
    """Make the artifacts label-funnel, label-distribution and label-report from a report's figures, inside a flow run."""
    figures = json.loads(report.store.get(f"{report.path}/{FIGURES}"))
    create_table_artifact(key="label-funnel", table=funnel_rows(figures), description=f"Funnel of {root}")
    create_markdown_artifact(key="label-distribution", markdown=distribution(figures), description=f"Captions of {root}")
    link_page("label-report", report_path, f"Report of {root}")


def funnel_rows(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """report.json -> one row a step: what is left, in which unit, and what was lost for which reason."""
    return [
        {
            "step": step["name"],
            "count": step["count"],
            "unit": step["unit"],
            "lost": "; ".join(f"{loss['reason']}: {loss['count']}" for loss in step["losses"]),
        }
        for step in figures["funnel"]
    ]


def distribution(figures: Mapping[str, Any]) -> str:
    """report.json -> Markdown: a table over all vocabularies, and for each the cumulative use of its captions as an inline picture."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for item in figures["vocabularies"]:
        before, after = item["before"], item["after"]
        lines.append(
            f"| {item['name']} | {before['captions']:,} | {before['coverage']:.1%} | {after['coverage']:.1%} | {before['entropy']:.2f} "
            f"| {after['entropy']:.2f} | {before['gini']:.3f} | {after['gini']:.3f} |"
        )
    for item in figures["vocabularies"]:
        lines += ["", f"## {item['name']}", "", f"![Cumulative use of {item['name']}]({picture_uri(use_curves(item))})", ""]
        lines += ["Share of all uses that the most used captions have. Dashed: candidates. Solid: labels. Dotted: evenly used."]
    return "\n".join(lines)
