"""Chat templates of known families, written for these tests after the formats' public documentation.

They put calls, results, thoughts and turns on the wire as the families' own templates do, and leave out
all that is prose.
"""

from __future__ import annotations

from dataclasses import dataclass

ARGS = "(call.function.arguments if call.function.arguments is string else call.function.arguments | tojson)"


@dataclass(frozen=True)
class Family:
    """``bos`` and ``eos`` are the texts the template has for them."""

    template: str
    script: str
    several: bool = True
    reasons: bool = False
    eos: str = "</s>"


def turns(
    calls: str,
    *,
    head: str = "<|im_start|>{role}\n",
    end: str = "<|im_end|>\n",
    tools: str = "{% if tools %}{{ H('system') }}{{ tools | tojson }}{{ E }}{% endif %}",
    thoughts: str = "",
    opening: str = "",
    tool_role: str = "tool",
    content: str = "{% if message.content %}{{ message.content }}{% endif %}",
    assistant: str = "assistant",
    prelude: str = "",
) -> str:
    """A template of turns: ``calls`` writes a message's tool_calls, ``thoughts`` its reasoning_content."""
    before, after = head.split("{role}")

    def role(name: str) -> str:
        return f"{{{{ {before!r} + {name} + {after!r} }}}}"

    written = tools.replace("{{ H('system') }}", role("'system'")).replace("{{ E }}", f"{{{{ {end!r} }}}}")
    return (
        prelude
        + written
        + "{% for message in messages %}"
        + "{% if message.role == 'assistant' %}"
        + role(f"'{assistant}'")
        + thoughts
        + content
        + "{% if message.tool_calls %}"
        + calls
        + "{% endif %}"
        + f"{{{{ {end!r} }}}}"
        + "{% elif message.role == 'tool' %}"
        + role(f"'{tool_role}'")
        + f"{{{{ message.content }}}}{{{{ {end!r} }}}}"
        + "{% else %}"
        + role("message.role")
        + f"{{{{ message.content }}}}{{{{ {end!r} }}}}"
        + "{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}"
        + role(f"'{assistant}'")
        + opening
        + "{% endif %}"
    )


def each(call: str) -> str:
    return "{% for call in message.tool_calls %}" + call + "{% endfor %}"


HERMES = each(
    '{{ \'\n<tool_call>\n{"name": "\' + call.function.name + \'", "arguments": \' + ' + ARGS + " + '}\n</tool_call>' }}"
)
THINK = "{% if message.reasoning_content %}{{ '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}{% endif %}"
LLAMA3 = {"head": "<|start_header_id|>{role}<|end_header_id|>\n\n", "end": "<|eot_id|>", "tool_role": "ipython"}
ONE_CALL = "{% if message.tool_calls | length != 1 %}{{ raise_exception('one call at a time') }}{% endif %}"
LLAMA_CALL = (
    "{% set call = message.tool_calls[0] %}"
    '{{ \'{"name": "\' + call.function.name + \'", "parameters": \' + ' + ARGS + " + '}' }}"
)
PYTHONIC = (
    "{{ '[' }}"
    + each(
        "{{ call.function.name + '(' }}"
        "{% for key, value in call.function.arguments.items() %}"
        "{{ key + '=' + (value | tojson) }}{% if not loop.last %}{{ ', ' }}{% endif %}{% endfor %}"
        "{{ ')' }}{% if not loop.last %}{{ ', ' }}{% endif %}"
    )
    + "{{ ']' }}"
)


def json_list(item: str = "name arguments", before: str = "[", after: str = "]", comma: str = ", ") -> str:
    name, arguments, *id_key = item.split()
    id_part = f"'\"{id_key[0]}\": \"' + call.id + '\", ' + " if id_key else ""
    return (
        f"{{{{ {before!r} }}}}"
        + each(
            f"{{{{ '{{' + {id_part}'\"{name}\": \"' + call.function.name + '\", \"{arguments}\": ' + {ARGS} + '}}' }}}}"
            f"{{% if not loop.last %}}{{{{ {comma!r} }}}}{{% endif %}}"
        )
        + f"{{{{ {after!r} }}}}"
    )


def mistral(calls: str, id_check: bool = True) -> str:
    check = (
        "{% for call in message.tool_calls %}{% if call.id is not defined or call.id | length != 9 %}"
        "{{ raise_exception('ids are 9 letters or digits') }}{% endif %}{% endfor %}"
    )
    return (
        "{{ bos_token }}{% for message in messages %}"
        "{% if message.role == 'user' %}{% if tools and loop.last %}"
        "{{ '[AVAILABLE_TOOLS]' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{% endif %}"
        "{{ '[INST]' + message.content + '[/INST]' }}"
        "{% elif message.role == 'system' %}{{ '[SYSTEM_PROMPT]' + message.content + '[/SYSTEM_PROMPT]' }}"
        "{% elif message.role == 'tool' %}{{ '[TOOL_RESULTS]' + message.content + '[/TOOL_RESULTS]' }}"
        "{% elif message.tool_calls %}{{ message.content or '' }}"
        + (check if id_check else "")
        + calls
        + "{{ eos_token }}"
        "{% else %}{{ message.content + eos_token }}{% endif %}{% endfor %}"
    )


def deepseek(call: str, thinking: str, close: str, section_end: str) -> str:
    return (
        "{{ bos_token }}{% if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}"
        "{% if message.role == 'user' %}{{ '<｜User｜>' + message.content }}"
        "{% elif message.role == 'tool' %}"
        "{{ '<｜tool▁output▁begin｜>' + message.content + '<｜tool▁output▁end｜>' }}"
        "{% elif message.role == 'assistant' and message.content is none %}"
        "{{ '<｜Assistant｜>"
        + close
        + "<｜tool▁calls▁begin｜>' }}"
        + call
        + "{{ '"
        + section_end
        + "<｜end▁of▁sentence｜>' }}"
        "{% elif message.role == 'assistant' %}"
        "{{ '<｜Assistant｜>" + close + "' + message.content.split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜>" + thinking + "' }}{% endif %}"
    )


DEEPSEEK_V3_CALL = each(
    "{{ '<｜tool▁call▁begin｜>' + call.type + '<｜tool▁sep｜>' + call.function.name + '\n```json\n' + "
    "call.function.arguments + '\n```<｜tool▁call▁end｜>' }}{% if not loop.last %}{{ '\n' }}{% endif %}"
)
DEEPSEEK_V31_CALL = each(
    "{{ '<｜tool▁call▁begin｜>' + call.function.name + '<｜tool▁sep｜>' }}"
    "{{ call.function.arguments + '<｜tool▁call▁end｜>' }}"
)


def parameters(before: str, after: str) -> str:
    return (
        "{% for key, value in call.function.arguments.items() %}{{ "
        + before
        + " }}{{ value if value is string else value | tojson }}{{ "
        + after
        + " }}{% endfor %}"
    )


QWEN_CODER = each(
    "{{ '\n<tool_call>\n<function=' + call.function.name + '>\n' }}"
    + parameters("'<parameter=' + key + '>\n'", "'\n</parameter>\n'")
    + "{{ '</function>\n</tool_call>' }}"
)
GLM = each(
    "{{ '\n<tool_call>' + call.function.name + '\n' }}"
    + parameters("'<arg_key>' + key + '</arg_key>\n<arg_value>'", "'</arg_value>\n'")
    + "{{ '</tool_call>' }}"
)
MINIMAX_M2 = (
    "{{ '\n<minimax:tool_call>\n' }}"
    + each(
        "{{ '<invoke name=\"' + call.function.name + '\">\n' }}"
        + parameters("'<parameter name=\"' + key + '\">'", "'</parameter>\n'")
        + "{{ '</invoke>\n' }}"
    )
    + "{{ '</minimax:tool_call>' }}"
)
SEED = each(
    "{{ '<seed:tool_call>\n<function=' + call.function.name + '>\n' }}"
    + parameters("'<parameter=' + key + '>'", "'</parameter>\n'")
    + "{{ '</function>\n</seed:tool_call>' }}"
)
HUNYUAN = (
    "{{ '<tool_calls>\n' }}"
    + each("{{ '<tool_call>' + call.function.name + '\n```json\n' + " + ARGS + " + '\n```</tool_call>\n' }}")
    + "{{ '</tool_calls>' }}"
)
OLMO3 = (
    "{{ '<function_calls>' }}"
    + each(
        "{{ call.function.name + '(' }}"
        "{% for key, value in call.function.arguments.items() %}"
        "{{ key + '=' + (value | tojson) }}{% if not loop.last %}{{ ', ' }}{% endif %}{% endfor %}"
        "{{ ')' }}{% if not loop.last %}{{ '\n' }}{% endif %}"
    )
    + "{{ '</function_calls>' }}"
)
KIMI = (
    "{{ '<|tool_calls_section_begin|>' }}"
    + each(
        "{{ '<|tool_call_begin|>' + call.id + '<|tool_call_argument_begin|>' + " + ARGS + " + '<|tool_call_end|>' }}"
    )
    + "{{ '<|tool_calls_section_end|>' }}"
)
HARMONY = (
    "{{ '<|start|>system<|message|>Valid channels: analysis, commentary, final.<|end|>' }}"
    "{% if tools %}{{ '<|start|>developer<|message|>' + (tools | tojson) + '<|end|>' }}{% endif %}"
    "{% for message in messages %}{% if message.role == 'assistant' %}"
    "{% if message.thinking %}"
    "{{ '<|start|>assistant<|channel|>analysis<|message|>' + message.thinking + '<|end|>' }}{% endif %}"
    "{% if message.tool_calls %}"
    + each(
        "{{ '<|start|>assistant to=functions.' + call.function.name + '<|channel|>commentary json<|message|>' + "
        + ARGS
        + " + '<|call|>' }}"
    )
    + "{% else %}{{ '<|start|>assistant<|channel|>final<|message|>' + message.content + '<|end|>' }}{% endif %}"
    "{% elif message.role == 'tool' %}"
    "{{ '<|start|>functions.' + message.name + ' to=assistant<|channel|>commentary<|message|>' }}"
    "{{ message.content + '<|end|>' }}"
    "{% else %}{{ '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
FUNCTIONARY_V32 = (
    "{% if tools %}{{ '<|start_header_id|>system<|end_header_id|>\n\n' + (tools | tojson) + '<|eot_id|>' }}{% endif %}"
    "{% for message in messages %}{% if message.role == 'assistant' %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% if message.content %}{{ '>>>all\n' + message.content }}{% endif %}"
    + each("{{ '>>>' + call.function.name + '\n' + " + ARGS + " }}")
    + "{{ '<|eot_id|>' }}"
    "{% else %}{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content + '<|eot_id|>' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n>>>' }}{% endif %}"
)
COHERE = {"head": "<|START_OF_TURN_TOKEN|><|{role}_TOKEN|>", "end": "<|END_OF_TURN_TOKEN|>", "assistant": "CHATBOT"}

FAMILIES: dict[str, Family] = {
    "Hermes 2 Pro": Family(turns(HERMES), "JsonCall"),
    "Qwen 2.5": Family(turns(HERMES, tool_role="user"), "JsonCall"),
    "Qwen 3": Family(
        turns(
            HERMES,
            thoughts=THINK,
            opening="{% if enable_thinking is defined and not enable_thinking %}"
            "{{ '<think>\n\n</think>\n\n' }}{% endif %}",
        ),
        "JsonCall",
        reasons=True,
    ),
    "Qwen 3 thinking": Family(turns(HERMES, thoughts=THINK, opening="{{ '<think>\n' }}"), "JsonCall", reasons=True),
    "Qwen 3 Coder": Family(turns(QWEN_CODER), "TaggedCall"),
    "Llama 3.1": Family(turns(ONE_CALL + LLAMA_CALL, **LLAMA3), "JsonCall", several=False),  # type: ignore[arg-type]
    "Llama 3.2 pythonic": Family(turns(PYTHONIC, **LLAMA3), "PythonicCall"),  # type: ignore[arg-type]
    "Llama 4": Family(
        turns(
            "{{ '<|python_start|>' }}" + PYTHONIC + "{{ '<|python_end|>' }}",
            head="<|header_start|>{role}<|header_end|>\n\n",
            end="<|eot|>",
        ),
        "PythonicCall",
    ),
    "Mistral v3": Family(mistral(json_list("name arguments", "[TOOL_CALLS] [")), "JsonCall"),
    "Mistral v7": Family(mistral(json_list("name arguments id", "[TOOL_CALLS][")), "JsonCall"),
    "Mistral v11": Family(
        mistral(each("{{ '[TOOL_CALLS]' + call.function.name + '[CALL_ID]' + call.id + '[ARGS]' + " + ARGS + " }}")),
        "NamedCall",
    ),
    "Mistral v13": Family(
        mistral(each("{{ '[TOOL_CALLS]' + call.function.name + '[ARGS]' + " + ARGS + " }}"), id_check=False),
        "NamedCall",
    ),
    "DeepSeek V3": Family(
        deepseek(DEEPSEEK_V3_CALL, "", "", "<｜tool▁calls▁end｜>"), "NamedCall", eos="<｜end▁of▁sentence｜>"
    ),
    "DeepSeek V3.1": Family(
        deepseek(
            DEEPSEEK_V31_CALL,
            "' + ('<think>' if thinking is defined and thinking else '</think>') + '",
            "</think>",
            "<｜tool▁calls▁end｜>",
        ),
        "NamedCall",
        reasons=True,
    ),
    "DeepSeek R1": Family(
        deepseek(DEEPSEEK_V3_CALL, "<think>\n", "", "<｜tool▁calls▁end｜>"), "NamedCall", reasons=True
    ),
    "Command-R": Family(
        turns(json_list("tool_name parameters", "Action: ```json\n[\n", "\n]```", ",\n"), **COHERE),  # type: ignore[arg-type]
        "JsonCall",
    ),
    "Command-R7B": Family(
        turns(
            json_list("tool_name parameters tool_call_id", "<|START_ACTION|>[\n", "\n]<|END_ACTION|>", ",\n"),
            content="{% if message.content and not message.tool_calls %}"
            "{{ '<|START_RESPONSE|>' + message.content + '<|END_RESPONSE|>' }}{% endif %}",
            **COHERE,  # type: ignore[arg-type]
        ),
        "JsonCall",
    ),
    "Granite 3": Family(
        turns(
            json_list(before="<|tool_call|>["), head="<|start_of_role|>{role}<|end_of_role|>", end="<|end_of_text|>\n"
        ),
        "JsonCall",
    ),
    "Phi-4-mini": Family(
        turns(json_list(before="<|tool_call|>[", after="]<|/tool_call|>"), head="<|{role}|>", end="<|end|>"), "JsonCall"
    ),
    "Functionary v3.1": Family(
        turns(each("{{ '<function=' + call.function.name + '>' + " + ARGS + " + '</function>' }}"), **LLAMA3),  # type: ignore[arg-type]
        "NamedCall",
    ),
    "Functionary v3.2": Family(FUNCTIONARY_V32, "NamedCall"),
    "FireFunction v2": Family(turns(json_list(before=" functools["), **LLAMA3), "JsonCall"),  # type: ignore[arg-type]
    "GLM-4.5": Family(
        turns(
            GLM,
            head="<|{role}|>\n",
            end="",
            thoughts="{% if message.reasoning_content %}"
            "{{ '<think>' + message.reasoning_content + '</think>\n' }}{% endif %}",
        ),
        "TaggedCall",
        reasons=True,
    ),
    "Granite 4": Family(
        turns(HERMES, head="<|start_of_role|>{role}<|end_of_role|>", end="<|end_of_text|>\n"), "JsonCall"
    ),
    "Hunyuan": Family(
        turns(
            HUNYUAN,
            head="<|hy_{role}|>",
            end="<|hy_eos|>",
            thoughts="{% if message.reasoning_content %}"
            "{{ '<think>\n' + message.reasoning_content + '\n</think>\n' }}{% endif %}",
        ),
        "NamedCall",
        reasons=True,
    ),
    "LFM2": Family(turns("{{ '<|tool_call_start|>' }}" + PYTHONIC + "{{ '<|tool_call_end|>' }}"), "PythonicCall"),
    "OLMo 3": Family(turns(OLMO3), "PythonicCall"),
    "Kimi K2": Family(turns(KIMI, head="<|im_{role}|>", end="<|im_end|>"), "NamedCall"),
    "MiniMax M1": Family(
        turns(
            "{{ '\n<tool_calls>\n' }}"
            + each('{{ \'{"name": "\' + call.function.name + \'", "arguments": \' + ' + ARGS + " + '}\n' }}")
            + "{{ '</tool_calls>' }}",
            head="<beginning_of_sentence>{role}\n",
            end="<end_of_sentence>\n",
        ),
        "JsonCall",
    ),
    "MiniMax M2": Family(
        turns(MINIMAX_M2, head="]~b]{role}\n", end="[e~[\n", thoughts=THINK, opening="{{ '<think>\n' }}"),
        "TaggedCall",
        reasons=True,
    ),
    "gpt-oss": Family(HARMONY, "harmony", several=False, reasons=True),
    "Seed-OSS": Family(
        turns(
            SEED,
            head="<seed:bos>{role}\n",
            end="<seed:eos>",
            thoughts="{% if message.reasoning_content %}"
            "{{ '<seed:think>' + message.reasoning_content + '</seed:think>' }}{% endif %}",
        ),
        "TaggedCall",
        reasons=True,
    ),
    "SmolLM3": Family(turns(HERMES, thoughts=THINK), "JsonCall", reasons=True),
    "xLAM": Family(turns(json_list()), "JsonCall"),
    "InternLM2": Family(
        turns(
            each(
                '{{ \'<|action_start|><|plugin|>\n{"name": "\' + call.function.name + \'", "parameters": \' + '
                + ARGS
                + " + '}<|action_end|>\n' }}"
            )
        ),
        "JsonCall",
    ),
    "Jamba": Family(turns(json_list(before="<tool_calls>[\n  ", after="\n]</tool_calls>", comma=",\n  ")), "JsonCall"),
    "Nemotron": Family(
        turns(json_list(before="<TOOLCALL>[", after="]</TOOLCALL>"), head="<SPECIAL_10>{role}\n", end="\n"), "JsonCall"
    ),
}
