"""What one HTTP request used, and how it ended, summed over its choices."""

from __future__ import annotations

from inferno.engine.delta import Delta, Timings, Usage
from inferno.errors import Cancelled, Internal


class Tally:
    """Choices are numbered prompt by prompt. A prompt counts once, however many choices continue it."""

    def __init__(self, *, prompts: int, choices_per_prompt: int) -> None:
        self._prompts = prompts
        self._choices_per_prompt = choices_per_prompt
        self._choices = prompts * choices_per_prompt
        self._last: dict[int, Delta] = {}

    def take(self, delta: Delta) -> None:
        """Note a choice's last delta. Raises Cancelled if the engine gave the choice up."""
        if delta.finish_reason is None:
            return
        if delta.finish_reason == "cancelled":
            raise Cancelled("the request was cancelled before its answer was complete")
        self._last[delta.index] = delta

    @property
    def complete(self) -> bool:
        """Every choice has finished."""
        return len(self._last) == self._choices

    def check_complete(self) -> None:
        """Raises Internal unless every choice has finished."""
        if not self.complete:
            raise Internal(f"{len(self._last)} of {self._choices} choices finished")

    @property
    def usage(self) -> Usage:
        if self._choices == 1:
            return self._last[0].usage
        usages = [self._prompt_usage(prompt) for prompt in range(self._prompts)]
        return Usage(
            prompt_tokens=sum(usage.prompt_tokens for usage in usages),
            cached_tokens=sum(usage.cached_tokens for usage in usages),
            completion_tokens=sum(usage.completion_tokens for usage in usages),
            drafted_tokens=sum(usage.drafted_tokens for usage in usages),
            accepted_tokens=sum(usage.accepted_tokens for usage in usages),
        )

    @property
    def outcome(self) -> str:
        """``length`` if any choice was cut, else ``stop``."""
        cut = any(delta.finish_reason == "length" for delta in self._last.values())
        return "length" if cut else "stop"

    @property
    def timings(self) -> Timings:
        """First scheduled, first token of any choice, last token of the last one."""
        if self._choices == 1:
            return self._last[0].timings
        all_timings = [delta.timings for delta in self._last.values()]
        return Timings(
            scheduled=min(timings.scheduled for timings in all_timings),
            first_token=min(timings.first_token for timings in all_timings),
            finished=max(timings.finished for timings in all_timings),
        )

    def _prompt_usage(self, prompt: int) -> Usage:
        first = prompt * self._choices_per_prompt
        usages = [self._last[index].usage for index in range(first, first + self._choices_per_prompt)]
        return Usage(
            prompt_tokens=usages[0].prompt_tokens,
            # Later choices reuse what the first computed; what the client saved is what the first found.
            cached_tokens=min(usage.cached_tokens for usage in usages),
            completion_tokens=sum(usage.completion_tokens for usage in usages),
            drafted_tokens=sum(usage.drafted_tokens for usage in usages),
            accepted_tokens=sum(usage.accepted_tokens for usage in usages),
        )
