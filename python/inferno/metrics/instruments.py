"""Every metric that Inferno exports: name, unit, help, and buckets. ``collector.py`` and ``recorder.py`` feed them.

Engine metrics carry the label ``model``; those named ``vllm:`` carry ``model_name``, as the Gateway API's endpoint
picker and existing dashboards expect.
"""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the request histograms, in seconds."""


@dataclass(frozen=True, slots=True)
class Title:
    """What a metric is called, and what it says."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric and the engine counter it shows. ``divisor`` names a second counter to divide by."""

    name: str
    help: str
    stat: str
    divisor: str | None = None


GAUGES = (
    Instrument("inferno_requests_running", "Sequences in the running batch.", "requests_running"),
    Instrument("inferno_max_running", "Most sequences that the running batch holds.", "max_running"),
    Instrument("inferno_requests_waiting", "Sequences in the queue, those set aside included.", "requests_waiting"),
    Instrument("inferno_waiting_tokens", "Prompt tokens in the queue.", "waiting_tokens"),
    Instrument(
        "inferno_kv_cache_usage_ratio",
        "Share of the KV cache held by running sequences, 0 to 1; kept prefixes can be evicted and do not count.",
        "kv_leased_tokens",
        divisor="kv_capacity_tokens",
    ),
    Instrument("inferno_kv_cache_leases", "Running sequences that hold KV cache.", "kv_leases"),
    Instrument("inferno_kv_cache_kept_prefixes", "Prefixes kept for reuse.", "kv_kept_prefixes"),
    Instrument("inferno_host_cache_bytes", "Host memory that holds evicted prefixes.", "host_cache_used_bytes"),
    Instrument("inferno_host_cache_limit_bytes", "Most host memory for evicted prefixes.", "host_cache_limit_bytes"),
    Instrument("inferno_host_cache_prefixes", "Prefixes in host memory.", "host_cache_prefixes"),
    Instrument("inferno_prefix_store_bytes", "Size of the stored prefixes on disk.", "prefix_store_used_bytes"),
    Instrument("inferno_prefix_store_limit_bytes", "Most bytes of stored prefixes.", "prefix_store_limit_bytes"),
    Instrument("inferno_prefix_store_files", "Stored prefixes on disk.", "prefix_store_files"),
)

KV_CACHE_TOKENS = Title(
    "inferno_kv_cache_tokens",
    "KV cache in tokens: its capacity, what is filled (used), what running sequences hold (leased).",
)
KV_CACHE_STATES = {"used": "kv_used_tokens", "leased": "kv_leased_tokens", "capacity": "kv_capacity_tokens"}

CANCELLED = Title("inferno_cancelled", "Sequences cancelled, by where they were: waiting, prefill or decode.")
CANCELLED_STAGES = {"waiting": "cancelled_waiting", "prefill": "cancelled_prefill", "decode": "cancelled_decode"}

COUNTERS = (
    Instrument("inferno_prompt_tokens", "Prompt tokens accepted.", "prompt_tokens"),
    Instrument("inferno_prefill_tokens_computed", "Prompt tokens computed, not reused.", "prefill_tokens_computed"),
    Instrument("inferno_embedded_texts", "Texts embedded.", "embedded_texts"),
    Instrument("inferno_embedded_tokens", "Tokens of the texts embedded.", "embedded_tokens"),
    Instrument("inferno_generated_tokens", "Tokens generated.", "generated_tokens"),
    Instrument(
        "inferno_prefix_cache_asked_tokens", "Prompt tokens looked up in the prefix cache.", "prefix_tokens_asked"
    ),
    Instrument(
        "inferno_prefix_cache_reused_tokens", "Prompt tokens found in the prefix cache.", "prefix_tokens_reused"
    ),
    Instrument("inferno_prefix_cache_evictions", "Kept prefixes evicted.", "prefix_evictions"),
    Instrument("inferno_spec_drafted_tokens", "Tokens computed as guesses.", "spec_drafted_tokens"),
    Instrument("inferno_spec_accepted_tokens", "Guessed tokens that came true.", "spec_accepted_tokens"),
    Instrument("inferno_grammar_masks", "Masks of tokens that a grammar allows.", "grammar_masks"),
    Instrument("inferno_grammar_mask_seconds", "Seconds spent computing those masks.", "grammar_mask_seconds"),
    Instrument("inferno_grammar_wait_seconds", "Of them, seconds the engine waited.", "grammar_wait_seconds"),
    Instrument("inferno_host_cache_saved", "Prefixes saved to host memory.", "host_cache_saved"),
    Instrument("inferno_host_cache_evictions", "Prefixes that host memory gave up for room.", "host_cache_evictions"),
    Instrument(
        "inferno_host_cache_refused",
        "Prefixes that host memory had no room for, or that could not be loaded from it.",
        "host_cache_refused",
    ),
    Instrument(
        "inferno_prefix_tokens_from_host", "Prompt tokens taken back from host memory.", "prefix_tokens_from_host"
    ),
    Instrument("inferno_prefix_tokens_from_store", "Prompt tokens taken back from disk.", "prefix_tokens_from_store"),
    Instrument("inferno_prefix_store_written", "Prefixes written to disk.", "prefix_store_written"),
    Instrument("inferno_prefix_store_evictions", "Stored prefixes deleted for room.", "prefix_store_evicted"),
    Instrument(
        "inferno_prefix_store_rejected", "Stored prefixes that did not check: deleted.", "prefix_store_rejected"
    ),
    Instrument("inferno_prefix_store_failed", "Reads and writes of the store that failed.", "prefix_store_failed"),
    Instrument("inferno_preemptions", "Sequences set aside for lack of KV cache.", "preemptions"),
    Instrument("inferno_finished", "Sequences finished.", "finished"),
    Instrument("inferno_failed", "Sequences failed.", "failed"),
    Instrument("inferno_expired", "Sequences ended because their timeout was over.", "expired"),
    Instrument("inferno_refused", "Submissions refused because the queue was full.", "refused"),
    Instrument("inferno_steps", "Engine steps.", "steps"),
    Instrument("inferno_step_rows", "Token rows computed over all steps.", "step_rows"),
    Instrument("inferno_forward_seconds", "Seconds in the model's forward pass.", "forward_seconds"),
    Instrument("inferno_step_seconds", "Seconds in whole engine steps.", "step_seconds"),
)
"""Exported with the suffix ``_total``."""

VLLM_GAUGES = (
    Instrument("vllm:num_requests_running", "As inferno_requests_running.", "requests_running"),
    Instrument("vllm:num_requests_waiting", "As inferno_requests_waiting.", "requests_waiting"),
    Instrument(
        "vllm:kv_cache_usage_perc",
        "As inferno_kv_cache_usage_ratio; 1 is full.",
        "kv_leased_tokens",
        divisor="kv_capacity_tokens",
    ),
)

PROCESSOR_WAIT = Title(
    "inferno_processor_wait_seconds",
    "Seconds that threads of this process were ready to run and waited for a processor: for another process, or another"
    " of its own threads. Linux only.",
)
INTER_TOKEN = Title("inferno_inter_token_seconds", "Seconds between two tokens of a sequence; the engine's buckets.")

DEPRECATED_REQUESTS = Title(
    "inferno_deprecated_requests", "Requests to endpoints that another one takes the place of, by endpoint."
)
REQUESTS = Title(
    "inferno_requests", "Requests to models ended, by outcome: a finish reason, embedded, or an error code."
)
TIME_TO_FIRST_TOKEN = Title(
    "inferno_time_to_first_token_seconds", "Seconds from arrival at the engine to the first token."
)
REQUEST_QUEUE = Title(
    "inferno_request_queue_seconds", "Seconds from arrival at the engine to the first step that computes the request."
)
REQUEST_DURATION = Title("inferno_request_duration_seconds", "Seconds from arrival at the engine to the last token.")
