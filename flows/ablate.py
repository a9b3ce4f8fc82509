"""The ablation flow: the clips of every cell, what they cost, their figures, and a page."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from noise2music.core.device import choose_device
from noise2music.core.errors import UserError
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.ablation.cells import Cell, distinct, plan_cells
from noise2music.evaluation.ablation.cost import Cost, cost_json, machine, measure_cost, parse_cost
from noise2music.evaluation.ablation.results import RESULTS, RESULTS_TABLE, AblationRow, ablation_json, ablation_rows, ablation_table
from noise2music.evaluation.ablation.settings import AblateSettings
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.pairing import pair
from noise2music.evaluation.settings import EvaluateRun, EvaluateSettings
from noise2music.evaluation.sources import open_source
from noise2music.flows.call import Call, call_here
from noise2music.flows.evaluate import evaluate_clips
from noise2music.flows.generate import generate
from noise2music.flows.pages.ablation import PAGE, render_ablation_page
from noise2music.flows.results import EVALUATION_PAGE
from noise2music.labeling.datasets.parts import parquet_bytes
from noise2music.models.generation.cascade import Cascade, load_cascade
from noise2music.models.generation.request import Request
from noise2music.models.job.init_audio import read_init
from noise2music.models.job.prompts import read_prompts
from noise2music.models.job.settings import GenerateSettings

log = logging.getLogger("n2m")

EVALUATION, ORACLE_PROMPTS = "evaluation", "oracle_prompts.jsonl"


@dataclass(frozen=True)
class Ablated:
    """A finished ablation: where it was written, its cells, their figures, and the cost of a clip by store."""

    store: Store
    cells: tuple[Cell, ...]
    rows: tuple[AblationRow, ...]
    costs: dict[str, Cost]

    @property
    def page(self) -> str:
        """Where to look."""
        return self.store.describe(PAGE)


def ablate(settings: AblateSettings, embedders: Sequence[Embedder] | None = None, call: Call = call_here) -> Ablated:
    """Make the clips that are missing, measure what is not measured yet, and write ablation.parquet, ablation.json and the page.

    embedders: networks that are loaded already, in place of `settings.networks`. Raises UserError, which names the cell.
    """
    store = open_store(settings.out)
    cells = plan_cells(settings)
    first = distinct(cells)
    log.info("%d cells, %d of them different", len(cells), len(first))
    if any(cell.from_reference for cell in first):
        store.put_changed(ORACLE_PROMPTS, _oracle_prompts(settings))
    for number, cell in enumerate(first, 1):
        log.info("Cell %d of %d: %s", number, len(first), cell.label)
        try:
            generate(_job(settings, cell), call=call)
        except UserError as error:
            raise UserError(f"{cell.label}: {error}") from error
    costs: dict[str, Cost] = call("cost", lambda: _costs(store, settings, first))
    evaluated = evaluate_clips(_evaluation(settings, first), embedders, call)
    rows = ablation_rows(cells, costs, evaluated.results)
    page = render_ablation_page(cells, rows, costs, evaluated.results, f"{EVALUATION}/{EVALUATION_PAGE}", settings.as_json())
    store.put_changed(PAGE, page.encode())
    table = ablation_table(rows)
    store.put_changed(RESULTS_TABLE, parquet_bytes(table, table.schema))
    store.put_changed(RESULTS, ablation_json(rows, costs, settings.as_json()))
    done = Ablated(store, cells, rows, costs)
    log.info("Figures of the cells: %s", store.describe(RESULTS_TABLE))
    log.info("Page of the ablation: %s", done.page)
    return done


def _job(settings: AblateSettings, cell: Cell) -> GenerateSettings:
    return GenerateSettings(
        prompts=_below(settings, ORACLE_PROMPTS) if cell.from_reference else settings.prompts,
        checkpoints=settings.checkpoints,
        revision=settings.revision,
        text_model=settings.text_model,
        out=_below(settings, cell.store),
        seed=settings.seed,
        seconds=settings.seconds,
        max_dead=settings.max_dead,
        generation=cell.generation,
        run=settings.run,
    )


def _evaluation(settings: AblateSettings, cells: Sequence[Cell]) -> EvaluateSettings:
    return EvaluateSettings(
        clips=tuple(f"{cell.label}={_below(settings, cell.store)}" for cell in cells),
        reference=settings.reference,
        out=_below(settings, EVALUATION),
        prompts=settings.prompts,
        networks=settings.networks,
        protocol=settings.protocol,
        permutations=settings.permutations,
        reference_clips=settings.reference_clips,
        run=EvaluateRun(workers=min(64, settings.run.workers), cache=settings.cache),
    )


def _below(settings: AblateSettings, path: str) -> str:
    return f"{settings.out.rstrip('/')}/{path}"


def _oracle_prompts(settings: AblateSettings) -> bytes:
    """The prompts that have a reference clip, each with its audio as init. Raises UserError where there are none."""
    prompts = read_prompts(settings.prompts, settings.seconds, settings.seed).prompts
    source = open_source("reference", settings.reference)
    if source.kind == "labels":
        raise UserError(f"oracles start from files of the reference, and {settings.reference} is a labeling run. Give its folder of audio.")
    keys = {prompt.key for prompt in prompts}
    named = [key for key in source.files if key in keys or key.rsplit("/", 1)[-1] in keys]
    if not named:
        raise UserError(f"oracles start from the reference's clips, and no clip of {settings.reference} is named by the key of a prompt.")
    paired = pair([source], None, settings.prompts).systems[0]
    lines = [
        {
            "key": prompt.key,
            "prompt": prompt.prompt,
            "negative": prompt.negative,
            "seconds": prompt.seconds,
            "seed": prompt.seed,
            "init": f"{source.uri.rstrip('/')}/{source.files[paired.keys[prompt.key]]}",
        }
        for prompt in prompts
        if prompt.key in paired.keys
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _costs(store: Store, settings: AblateSettings, cells: Sequence[Cell]) -> dict[str, Cost]:
    """Of each store, measured on this machine once. Clips of other jobs are not made meanwhile."""
    here = machine(torch.device(choose_device(settings.run.device)))
    name = hashlib.sha256(here.encode()).hexdigest()[:8]
    costs: dict[str, Cost] = {}
    loaded: dict[tuple[str, ...], Cascade] = {}
    requests: dict[bool, Request] = {}
    for cell in cells:
        path = f"costs/{cell.store.rsplit('/', 1)[-1]}-{name}.json"
        known = parse_cost(store.get(path)) if store.head(path) is not None else None
        if known is None:
            chain = cell.generation.chain
            if chain not in loaded:
                loaded.clear()
                loaded[chain] = load_cascade(
                    settings.checkpoints, cell.generation, settings.run.device, settings.text_model, settings.revision
                )
            if cell.from_reference not in requests:
                requests[cell.from_reference] = _request(settings, cell)
            known = measure_cost(loaded[chain].changed(cell.generation), requests[cell.from_reference])
            store.put(path, cost_json(known))
            log.info("%s: %.3g s a clip", cell.label, known.seconds)
        costs[cell.store] = known
    return costs


def _request(settings: AblateSettings, cell: Cell) -> Request:
    """The first prompt's, by key."""
    prompts = read_prompts(_job(settings, cell).prompts, settings.seconds, settings.seed).prompts
    prompt = min(prompts, key=lambda prompt: prompt.key)
    init = read_init(prompt)
    return Request(prompt.key, prompt.prompt, prompt.seconds, prompt.seed, negative=prompt.negative, init=init.audio if init else None)
