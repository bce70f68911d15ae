"""Flags and commands of other servers that have another name here: what is said when one of them is tried."""

from __future__ import annotations

from collections.abc import Sequence

OURS = {
    # llama-server
    "-m": "MODEL, without a flag",
    "--model": "MODEL, without a flag",
    "-a": "--model-name",
    "--alias": "--model-name",
    "-c": "--context, of one sequence (--kv-tokens is over all)",
    "--ctx-size": "--context, of one sequence (--kv-tokens is over all)",
    "-np": "--slots",
    "--parallel": "--slots",
    "-b": "--batch-rows",
    "--batch-size": "--batch-rows",
    "-t": "--threads",
    "-ngl": "--gpu-layers",
    "--n-gpu-layers": "--gpu-layers",
    "-fa": "--flash-attention",
    "--flash-attn": "--flash-attention",
    "-ctk": "--kv-type",
    "--cache-type-k": "--kv-type",
    "-ctv": "--kv-type",
    "--cache-type-v": "--kv-type",
    "-md": "--draft-model",
    "--model-draft": "--draft-model",
    "--lora": "--adapter",
    # vLLM
    "--served-model-name": "--model-name",
    "--max-model-len": "--context",
    "--max-num-seqs": "--max-running",
    "--max-num-batched-tokens": "--batch-rows",
    "--kv-cache-dtype": "--kv-type",
    "--lora-modules": "--adapter",
    "--tool-call-parser": "--tool-format",
    "--speculative-config": "--speculate",
}


_FETCH = "models are not fetched: download one, then name its file or folder to inferno serve"
_ONE_MODEL = "a server has one model, which GET /v1/models tells"

COMMANDS = {
    # Ollama
    "pull": _FETCH,
    "list": f"{_ONE_MODEL}; what was prepared from folders is in inferno models cache",
    "ls": f"{_ONE_MODEL}; what was prepared from folders is in inferno models cache",
    "ps": _ONE_MODEL,
    "show": "inferno models inspect",
    "rm": "inferno models cache --clear, for what was prepared from folders",
    # vLLM, llama.cpp
    "chat": 'inferno run MODEL -p "..."',
    "complete": 'inferno run MODEL --raw -p "..."',
    "bench": "inferno profile",
    "download": _FETCH,
}


def hint(arguments: Sequence[str]) -> str | None:
    """Of a command line that was not understood: what the first such word is called here, or where a prompt goes."""
    command, *rest = arguments or [""]
    if command in COMMANDS:
        return f"{command} is another program's command; here: {COMMANDS[command]}."
    for argument in arguments:
        flag = argument.partition("=")[0]
        if flag in OURS:
            return f"{flag} is another server's name: here it is {OURS[flag]}."
    if command == "run" and len(rest) > 1 and not any(word.startswith("-") for word in rest[-2:]):
        return 'The prompt goes behind -p: inferno run MODEL -p "...".'
    return None
