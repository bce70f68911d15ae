"""The engine through ``inferno.LLM``: loading, prefill, decode, batch, prefix cache and sampling."""

from __future__ import annotations

from benches.cases import EMBER, FAKE, FAKE_WIDE, GENERATIONS, SAMPLED, SAMPLINGS, SHARED_PREFIX
from inferno import LLM

MODELS = [FAKE, EMBER]


class Load:
    """From nothing to a loaded model and back."""

    params = MODELS
    param_names = ("model",)

    def time_load(self, model: str) -> None:
        LLM(model).close()

    def peakmem_load(self, model: str) -> None:
        LLM(model).close()


class Generate:
    params = (MODELS, list(GENERATIONS))
    param_names = ("model", "case")

    def setup(self, model: str, case: str) -> None:
        self.llm = LLM(model, prefix_cache=False)
        GENERATIONS[case].run(self.llm)

    def teardown(self, model: str, case: str) -> None:
        self.llm.close()

    def time_generate(self, model: str, case: str) -> None:
        GENERATIONS[case].run(self.llm)


class PrefixCache:
    params = (MODELS, [True, False])
    param_names = ("model", "prefix_cache")

    def setup(self, model: str, prefix_cache: bool) -> None:
        self.llm = LLM(model, prefix_cache=prefix_cache)
        SHARED_PREFIX.run(self.llm)

    def teardown(self, model: str, prefix_cache: bool) -> None:
        self.llm.close()

    def time_shared_prefix(self, model: str, prefix_cache: bool) -> None:
        SHARED_PREFIX.run(self.llm)


class Sampling:
    """On the fake model with a wide vocabulary, where sampling is nearly all there is."""

    params = tuple(SAMPLINGS)
    param_names = ("sampling",)

    def setup(self, sampling: str) -> None:
        self.llm = LLM(FAKE_WIDE)

    def teardown(self, sampling: str) -> None:
        self.llm.close()

    def time_sampling(self, sampling: str) -> None:
        SAMPLED.run(self.llm, **SAMPLINGS[sampling])
