"""What the manifest says of each stage that a clip went through."""

from models.diffusion.steps import Runs, Spacing
from models.generation.cascade import Cascade
from models.job.record import StageFacts


def stage_facts(cascade: Cascade) -> tuple[StageFacts, ...]:
    """The stages of a cascade in their order, as they are sampled."""
    return tuple(
        StageFacts(
            stage=stage.name,
            weights=cascade.identity[stage.name],
            sampler=stage.sampling.sampler,
            steps=_steps(stage.sampling.runs),
            guidance=stage.sampling.guidance,
        )
        for stage in cascade.stages
    )


def _steps(runs: Runs | Spacing) -> int:
    return runs.steps if isinstance(runs, Spacing) else sum(steps for _, steps in runs)
