"""``search`` of genai_config.json: how a folder of ONNX Runtime GenAI's wants tokens to be chosen where a request does
not say. GenAI goes by it alone, so where it is there, generation_config.json has no say in that.
"""

from __future__ import annotations

from dataclasses import replace

from inferno.engine.extras import GenerationDefaults
from inferno.errors import DataCorrupted
from inferno.models.huggingface.generation import read_count, read_sampling
from inferno.models.huggingface.json_file import expected_form, read_object
from inferno.models.onnx.graph_file import GENAI_CONFIG, GraphFile

_SEARCH = f"{GENAI_CONFIG}, search"


def with_search(defaults: GenerationDefaults, graph: GraphFile) -> GenerationDefaults:
    """``defaults`` with what ``search`` says in their place. Without ``do_sample`` GenAI is greedy. A ``max_length``
    that is the model's context asks for nothing. Raises DataCorrupted."""
    config = read_object(graph.folder, GENAI_CONFIG)
    with expected_form(GENAI_CONFIG):
        search = None if config is None else config.get("search")
        if config is None or search is None:
            return defaults
        if not isinstance(search, dict):
            raise DataCorrupted(f"{GENAI_CONFIG}: search holds a {type(search).__name__}; it must be an object")
        sampling = read_sampling({"do_sample": False, **search}, where=_SEARCH)
        if not sampling.get("top_p", 1.0):
            del sampling["top_p"]  # GenAI means all by 0
        context = read_count(config["model"], "context_length", where=f"{GENAI_CONFIG}, model")
        most = read_count(search, "max_length", where=_SEARCH)
    if most is not None and context is not None and most >= context:
        most = None
    return replace(defaults, sampling=sampling, max_tokens=None, max_length=most)
