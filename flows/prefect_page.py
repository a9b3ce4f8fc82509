"""Artifacts that several flows leave on a Prefect server: a link to a page, and a table of figures."""

from collections.abc import Sequence

from prefect.artifacts import create_link_artifact

from labeling.storage import is_remote, local_path


def link_page(key: str, place: str, description: str) -> None:
    """The artifact `key`: a link to the page at `place`, a path or URI, shown as that."""
    link = place if is_remote(place) else local_path(place).absolute().as_uri()
    create_link_artifact(key=key, link=link, link_text=place, description=description)


def figures_table(figures: Sequence[tuple[str, str]]) -> str:
    """(what, figure) pairs -> a Markdown table."""
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in figures)])
