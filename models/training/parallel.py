"""One process or many: the rank of this one, the network over all ranks, and sums over them.

Processes are started by torchrun, which sets RANK, WORLD_SIZE and LOCAL_RANK. Each rank works on an equal slice of every step's clips.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from noise2music.core.device import choose_device
from noise2music.models.network.block import Block
from noise2music.models.network.unet import UNet


@dataclass(frozen=True)
class DistContext:
    """This process: its rank of `world`, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0


@contextmanager
def init_distributed(device: Literal["auto", "cpu", "cuda"]) -> Iterator[DistContext]:
    """This process; in the block all processes exchange tensors. Raises UserError where there is no GPU and one is wanted."""
    kind = choose_device(device)
    rank, world, local = (int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    dist = DistContext(rank, world, torch.device(kind, local) if kind == "cuda" else torch.device("cpu"))
    if kind == "cuda":
        torch.cuda.set_device(dist.device)
    if world == 1:
        yield dist
        return
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield dist
    finally:
        distributed.destroy_process_group()


def wrap_model(network: UNet, dist: DistContext, parallel: Literal["ddp", "fsdp"], precision: torch.dtype) -> nn.Module:
    """The model that the training loop calls: the network itself, or it over ranks by DDP (averaged gradients) or FSDP2 (sharded weights).

    With FSDP2 the parameters of `network` become parts of tensors, in place.
    """
    if dist.world == 1:
        return network
    if parallel == "ddp":
        return DistributedDataParallel(network, device_ids=[dist.device] if dist.device.type == "cuda" else None)
    policy = MixedPrecisionPolicy(param_dtype=precision, reduce_dtype=torch.float32)
    mesh = init_device_mesh(dist.device.type, (dist.world,))
    for block in network.modules():
        if isinstance(block, Block):
            fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(network, mesh=mesh, mp_policy=policy)
    return network


@contextmanager
def grad_sync(model: nn.Module, now: bool) -> Iterator[None]:
    """In the block a backward pass exchanges gradients between ranks only if `now`: at the last pass of an accumulated step."""
    if isinstance(model, DistributedDataParallel) and not now:
        with model.no_sync():
            yield
        return
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(now)
    yield


def full_tensor(tensor: Tensor) -> Tensor:
    """A tensor that is sharded over ranks, whole and on the CPU; every rank has to call this."""
    full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return full.detach().cpu()


def shard_like(full: Tensor, like: Tensor) -> Tensor:
    """A whole tensor with the sharding, the device and the type of another."""
    moved = full.to(like.device, like.dtype)
    return distribute_tensor(moved, like.device_mesh, like.placements) if isinstance(like, DTensor) else moved


def all_reduce(values: Tensor, dist: DistContext) -> Tensor:
    """The sum over all ranks, on every rank."""
    if dist.world > 1:
        distributed.all_reduce(values)
    return values


def all_gather(values: Any, dist: DistContext) -> list[Any]:
    """Small values of every rank, on every rank, in rank order."""
    if dist.world == 1:
        return [values]
    values_of_ranks: list[Any] = [None] * dist.world
    distributed.all_gather_object(values_of_ranks, values)
    return values_of_ranks
