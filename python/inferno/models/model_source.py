"""ModelSource: which model it is, where it lies, and what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inferno.models.huggingface.folder import Folder
from inferno.models.onnx.graph_file import GraphFile


@dataclass(frozen=True, slots=True)
class ModelSource:
    """``path`` is what the engine opens, or the folder from which that is prepared (``models/opening.py``);
    ``name`` is what clients ask for."""

    path: str
    name: str
    size_bytes: int | None = None
    backend: str = "llama"
    """One of ``inferno backends list``."""
    computed_by: str = "llama"
    """The native backend that opens ``path``, or what is made of it."""
    backend_options: Mapping[str, str] = field(default_factory=dict)
    """That backend's own, by full name: of those that were asked for, what no third party's backend took."""
    folder: Folder | None = None
    quantize: str | None = None
    graph: GraphFile | None = None
    """Where ``path`` is an ONNX file."""
    media_encoder: str | None = None
    """Path of what makes the model see pictures or hear sounds."""
    others: Mapping[str, str] = field(default_factory=dict)
    """The other forms that the folder has the model in, by backend, with why they were not taken."""

    @property
    def chosen(self) -> str | None:
        """The choice in words; None where there was none."""
        if not self.others:
            return None
        reasons = "; ".join(f"not {backend}: {why}" for backend, why in self.others.items())
        return f"{self.name} comes in several forms. Taken: {self.backend}; {reasons}"
