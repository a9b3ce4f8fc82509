"""Which Beam runner carries a run, and how its failures read.

FnApiRunner is named explicitly: Beam's DirectRunner first tries to download another runner, so it behaves differently online and offline.
"""

import re

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job.utils import dict_to_struct
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.transforms.environments import (
    EmbeddedPythonEnvironment,
    EmbeddedPythonGrpcEnvironment,
    Environment,
    python_sdk_capabilities,
)

from noise2music.core.errors import UserError
from noise2music.pipelines.settings import RunSettings

_USER_ERROR = re.compile(r"noise2music\.core\.errors\.UserError: (.*?)(?: \[while running|\n\n|\Z)", re.DOTALL)

# Beam 2.77 flushes a thread worker's output once a second from another thread, without a lock around the element that is being
# written: a bundle that takes longer comes out torn (seen as an endless allocation while grouping). A day is never.
_NEVER_MS = 86_400_000


def new_pipeline(run: RunSettings) -> beam.Pipeline:
    """An empty pipeline on the configured runner."""
    if run.runner == "beam":
        try:
            return beam.Pipeline(options=PipelineOptions(list(run.options)))
        except (ValueError, ImportError) as error:
            raise UserError(f"Beam does not take run.options = {list(run.options)}: {' '.join(str(error).split())}") from error
    mode = "multi_processing" if run.mode == "processes" else "in_memory"
    options = PipelineOptions([f"--direct_num_workers={run.workers}", f"--direct_running_mode={mode}", *run.options])
    return beam.Pipeline(runner=FnApiRunner(_environment(run), provision_info=_provision_info(options)), options=options)


def _environment(run: RunSettings) -> Environment:
    """Where local threads run; with processes Beam chooses its own."""
    if run.workers == 1:
        return EmbeddedPythonEnvironment.default()
    return EmbeddedPythonGrpcEnvironment(capabilities=python_sdk_capabilities(), data_buffer_time_limit_ms=_NEVER_MS)


def _provision_info(options: PipelineOptions) -> ExtendedProvisionInfo:
    """Worker processes read the options from here; without it they see none."""
    every = options.get_all_options(drop_default=True)
    given = {f"beam:option:{key}:v1": _as_json(value) for key, value in every.items() if value is not None}
    return ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(pipeline_options=dict_to_struct(given), retrieval_token="unused-retrieval-token")
    )


def _as_json(value: object) -> object:
    """Whole numbers as text: a protobuf Struct would make them 2.0, which the workers refuse."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def run_pipeline(pipeline: beam.Pipeline) -> None:
    """Run to the end. A UserError raised on a worker is raised here as it was, without Beam's wrapping."""
    try:
        pipeline.run().wait_until_finish()
    except UserError as error:
        raise UserError(str(error).split(" [while running", 1)[0]) from error
    except Exception as error:
        match = _USER_ERROR.search(str(error))
        if match:
            raise UserError(match.group(1).strip()) from error
        raise
