"""One process or many: where this one stands, how a network is shared, and sums over all of them.

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
class Place:
    """This process: its rank of `world`, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0


@contextmanager
def joined(device: Literal["auto", "cpu", "cuda"]) -> Iterator[Place]:
    """This process's place; in the block all of them can talk to each other. Raises UserError where a GPU is wanted and there is none."""
    kind = choose_device(device)
    rank, world, local = (int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    place = Place(rank, world, torch.device(kind, local) if kind == "cuda" else torch.device("cpu"))
    if kind == "cuda":
        torch.cuda.set_device(place.device)
    if world == 1:
        yield place
        return
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield place
    finally:
        distributed.destroy_process_group()


def share(network: UNet, place: Place, parallel: Literal["ddp", "fsdp"], precision: torch.dtype) -> nn.Module:
    """The network as the training loop calls it: itself, averaging gradients over ranks (DDP), or with each rank holding a part (FSDP2).

    With FSDP2 the parameters of `network` become parts of tensors, in place.
    """
    if place.world == 1:
        return network
    if parallel == "ddp":
        return DistributedDataParallel(network, device_ids=[place.device] if place.device.type == "cuda" else None)
    policy = MixedPrecisionPolicy(param_dtype=precision, reduce_dtype=torch.float32)
    mesh = init_device_mesh(place.device.type, (place.world,))
    for block in network.modules():
        if isinstance(block, Block):
            fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(network, mesh=mesh, mp_policy=policy)
    return network


@contextmanager
def exchanging(shared: nn.Module, now: bool) -> Iterator[None]:
    """Within the block a backward pass exchanges gradients between ranks only if `now`: at the last pass of an accumulated step."""
    if isinstance(shared, DistributedDataParallel) and not now:
        with shared.no_sync():
            yield
        return
    if isinstance(shared, FSDPModule):
        shared.set_requires_gradient_sync(now)
    yield


def whole(tensor: Tensor) -> Tensor:
    """A tensor that ranks hold in parts, put together on the CPU; every rank has to ask for it."""
    full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return full.detach().cpu()


def parted(full: Tensor, like: Tensor) -> Tensor:
    """A whole tensor in the parts, on the device and in the type of another."""
    moved = full.to(like.device, like.dtype)
    return distribute_tensor(moved, like.device_mesh, like.placements) if isinstance(like, DTensor) else moved


def total(values: Tensor, place: Place) -> Tensor:
    """The sum over all ranks, on every rank."""
    if place.world > 1:
        distributed.all_reduce(values)
    return values


def gathered(values: Any, place: Place) -> list[Any]:
    """Small values of every rank, on every rank, in rank order."""
    if place.world == 1:
        return [values]
    found: list[Any] = [None] * place.world
    distributed.all_gather_object(found, values)
    return found
