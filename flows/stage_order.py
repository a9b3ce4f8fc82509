"""What a process that trains one stage is told, and how it says that it was stopped. Light to import: a request to stop comes early."""

from noise2music.core.settings import Settings
from noise2music.models.cascade.stage import StageName
from noise2music.models.training.settings import TrainSettings

STOPPED = 3


class Order(Settings):
    """What one such process does. announce: whether a Prefect server is told when the stage is ready."""

    settings: TrainSettings
    stage: StageName
    announce: bool = True
