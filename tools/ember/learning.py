"""One optimizer step on two threads, and the schedule of the learning rate.

Each thread works through whole batches with one core. Splitting every single
matrix product between the cores is far slower as soon as anything else runs
on one of them, because each product then waits for the slower core.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from batches import Batch
from model import Llama
from torch import Tensor
from torch.optim import AdamW, Muon

WORKERS = 2
RISE = 60
FALL = 0.40


def learning_rate(step: int, steps: int, peak: float) -> float:
    """A short rise, a long plateau, and a straight fall to almost nothing."""
    falling = (steps - step) / (FALL * steps)
    return peak * min(1.0, (step + 1) / RISE, 0.01 + falling)


class Learner:
    """The model, its optimizers and the replicas that share its weights."""

    def __init__(self, model: Llama, peak: float) -> None:
        self.model = model
        self.peak = peak
        self.parameters = list(model.parameters())
        self.threads = ThreadPoolExecutor(WORKERS)
        # A replica has gradients of its own but the very memory of the weights.
        self.replicas = [copy.deepcopy(model) for _ in range(WORKERS)]
        for replica in self.replicas:
            for mine, master in zip(replica.parameters(), self.parameters, strict=True):
                mine.data = master.data
        self.idle = list(self.replicas)
        matrices = [p for name, p in model.named_parameters() if name.startswith("blk.") and p.dim() == 2]
        rest = [p for name, p in model.named_parameters() if not (name.startswith("blk.") and p.dim() == 2)]
        muon = [
            Muon(matrices[part::WORKERS], lr=peak, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
            for part in range(WORKERS)
        ]
        self.optimizers = [*muon, AdamW(rest, lr=peak, betas=(0.9, 0.98), weight_decay=0.0)]

    def _gradients(self, batch: Batch) -> tuple[float, list[Tensor]]:
        """The summed loss of one batch and its gradients, on a replica of its own."""
        replica = self.idle.pop()
        with torch.autocast("cpu", torch.bfloat16):
            loss = replica.loss(batch.tokens, batch.learned) * int(batch.learned[:, 1:].sum())
        loss.backward()
        gradients = [p.grad for p in replica.parameters() if p.grad is not None]
        replica.zero_grad(set_to_none=True)
        self.idle.append(replica)
        return float(loss.detach()), gradients

    def step(self, chosen: list[Batch], step: int, steps: int) -> float:
        """Learn from a few batches at once; returns the mean loss of a token."""
        results = list(self.threads.map(self._gradients, chosen))
        count = sum(int(batch.learned[:, 1:].sum()) for batch in chosen)
        # Added in the order of the batches, so that a rerun gives the same sums.
        for i, parameter in enumerate(self.parameters):
            parameter.grad = sum((gradients[i] for _, gradients in results[1:]), results[0][1][i]) / count
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        rate = learning_rate(step, steps, self.peak)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        list(self.threads.map(lambda optimizer: optimizer.step(), self.optimizers))
        return sum(loss for loss, _ in results) / count

    def state(self) -> dict[str, Any]:
        """Everything a later run needs to go on."""
        return {"model": self.model.state_dict(), "optimizers": [o.state_dict() for o in self.optimizers]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; weights are copied in place, so the replicas follow."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
