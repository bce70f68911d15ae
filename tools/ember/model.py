"""The Llama shape in plain PyTorch, with the names its weights have in a GGUF file."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of a model; every inner size is a multiple of 32, as Q8_0 wants."""

    vocabulary: int
    width: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    hidden: int = 768
    context: int = 1024
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """The width of one attention head."""
        return self.width // self.heads


def rope_angles(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines for every position and every pair of a head."""
    pairs = torch.arange(0, shape.head_width, 2, dtype=torch.float64) / shape.head_width
    angles = torch.arange(shape.context, dtype=torch.float64)[:, None] * shape.rope_base**-pairs
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs (0,1), (2,3), ...: the order llama.cpp uses for "llama"."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return turned.flatten(-2).to(x.dtype)


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Scale each vector to unit mean square."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class Block(nn.Module):
    """One layer: attention over grouped heads, then a gated feed-forward net."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_width
        self.attn_norm = Norm(shape)
        self.attn_q = nn.Linear(shape.width, shape.width, bias=False)
        self.attn_k = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_v = nn.Linear(shape.width, kv_width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = Norm(shape)
        self.ffn_gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def attention(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Causal attention; each pair of query heads shares one key and value head."""
        heads, kv_heads = self.shape.heads, self.shape.kv_heads
        q = self.attn_q(x).unflatten(-1, (heads, -1)).transpose(1, 2)
        k = self.attn_k(x).unflatten(-1, (kv_heads, -1)).transpose(1, 2)
        v = self.attn_v(x).unflatten(-1, (kv_heads, -1)).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        # The query heads of one group are stacked along the positions, so that
        # keys and values need no copies. Written out because it is several times
        # quicker than the fused CPU attention at these lengths.
        group, length = heads // kv_heads, x.shape[1]
        scores = q.unflatten(1, (kv_heads, group)).flatten(2, 3) @ (k.transpose(-1, -2) * k.shape[-1] ** -0.5)
        future = torch.full((length, length), float("-inf"), dtype=scores.dtype).triu(1).repeat(group, 1)
        mixed = ((scores + future).softmax(dim=-1) @ v).unflatten(2, (group, length)).flatten(1, 2)
        return self.attn_output(mixed.transpose(1, 2).flatten(-2))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Both halves, each added to what came in."""
        x = x + self.attention(self.attn_norm(x), cos, sin)
        inner = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(inner)) * self.ffn_up(inner))


class Llama(nn.Module):
    """The whole model; the output matrix is the embedding matrix."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape)
        cos, sin = rope_angles(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                narrow = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * shape.layers) ** 0.5 if narrow else 0.02)

    def states(self, tokens: Tensor) -> Tensor:
        """The last hidden state at every position."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin)
        return self.output_norm(x)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits at every position."""
        return F.linear(self.states(tokens), self.token_embd.weight)

    def loss(self, tokens: Tensor, learned: Tensor) -> Tensor:
        """Mean cross entropy of the tokens marked as learned.

        Only the states that predict such a token go through the output matrix.
        """
        states = self.states(tokens[:, :-1])[learned[:, 1:]]
        logits = F.linear(states, self.token_embd.weight)
        return F.cross_entropy(logits.float(), tokens[:, 1:][learned[:, 1:]])


def parameter_count(model: Llama) -> int:
    """How many numbers were learned."""
    return sum(parameter.numel() for parameter in model.parameters())
