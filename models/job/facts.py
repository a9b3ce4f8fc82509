"""What the manifest says of each stage that a clip went through."""

from models.generation.cascade import Cascade
from models.job.record import StageFacts


def stage_facts(cascade: Cascade) -> tuple[StageFacts, ...]:
    """The stages of a cascade in their order, as they are sampled."""
    facts = []
    for stage in cascade.settings.chain:
        sampling = cascade.sampling(stage)
        facts.append(
            StageFacts(
                stage=stage,
                weights=cascade.identity[stage],
                sampler=sampling.sampler,
                steps=sum(steps for _, steps in sampling.runs),
                guidance=sampling.guidance,
            )
        )
    return tuple(facts)
