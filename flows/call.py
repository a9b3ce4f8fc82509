"""How a flow runs one stage: in this process, or as whatever the caller makes of it (a Prefect task)."""

from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
Call = Callable[[str, Callable[[], Any]], Any]


def call_here(_name: str, stage: Callable[[], Result]) -> Result:
    """Run a stage in this process."""
    return stage()
