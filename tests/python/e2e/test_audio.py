"""Sounds through the server, with a model and an audio encoder of random weights: they change what is said,
and only they; the same one is the same, and computed once; and what is no sound is refused."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from tests.data import make_gguf, make_mmproj

from e2e.process import SECONDS_TO_START, Server, command, environment, running
from engine.media.pictures import BLUE, RED, image_part, picture, text_part
from engine.media.recordings import RATE, audio_part, samples, tone, wav

pytestmark = pytest.mark.e2e

ROWS = 15
"""What the tiny encoder makes of 30 seconds."""
HEARS: Any = {"seed": 5, "mel_bins": 16, "width": 16, "heads": 2, "stacked": 100, "embedding": 64}
SEES: Any = {"seed": 4, "side": 16, "patch": 4, "width": 32, "heads": 2, "embedding": 64}
EXACT = ("--kv-type", "f32", "--flash-attention", "off", "--threads", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "tiny.gguf"
    make_gguf.write_model(path, "llama", seed=1, layers=2, width=64, heads=4, kv_heads=2)
    return path


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    """Its model hears and sees."""
    encoder = model.parent / "mmproj-both.gguf"
    make_mmproj.write_media_encoder(encoder, SEES, HEARS)
    with running(str(model), "--mmproj", str(encoder), *EXACT) as server:
        yield server


@pytest.fixture(scope="module")
def hearing(model: Path) -> Iterator[Server]:
    """Its model hears and does not see."""
    encoder = model.parent / "mmproj-audio.gguf"
    make_mmproj.write_audio_encoder(encoder, **HEARS)
    with running(str(model), "--mmproj", str(encoder), *EXACT) as server:
        yield server


def ask(server: Server, *parts: dict[str, Any]) -> httpx.Response:
    messages = [{"role": "user", "content": list(parts)}]
    body = {"messages": messages, "max_tokens": 8, "temperature": 0, "logprobs": True, "ignore_eos": True}
    with server.client() as http:
        return http.post("/v1/chat/completions", json=body)


def said(server: Server, *parts: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """How probable the first token is, and the usage."""
    answer = ask(server, *parts)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return float(body["choices"][0]["logprobs"]["content"][0]["logprob"]), body["usage"]


def refused(server: Server, *parts: dict[str, Any]) -> dict[str, Any]:
    answer = ask(server, *parts)
    assert answer.status_code == 400, answer.text
    return dict(answer.json()["error"])


def test_the_sound_decides_what_is_said(server: Server) -> None:
    def hear(file: bytes) -> float:
        return said(server, text_part("who "), audio_part(file), text_part(" speaks?"))[0]

    low = hear(tone(200))
    assert abs(hear(tone(3000)) - low) > 0.01
    assert hear(tone(200)) == pytest.approx(low, abs=1e-4)


def test_in_every_form_it_is_the_same_sound(server: Server) -> None:
    plain, other = said(server, audio_part(tone(200)))[0], said(server, audio_part(tone(3000)))[0]
    forms: Any = [{"bits": 24}, {"bits": 32}, {"bits": 32, "floating": True}, {"rate": 48_000}, {"rate": 8_000}]
    for form in forms:
        assert said(server, audio_part(tone(200, **form)))[0] == pytest.approx(plain, abs=abs(other - plain) / 4), form
    one = np.frombuffer(samples(200, 1), "<i2")
    stereo = wav(np.repeat(one, 2).tobytes(), channels=2)
    assert said(server, audio_part(stereo))[0] == pytest.approx(plain, abs=1e-3)


def test_the_prompt_grows_by_the_sounds_rows(server: Server) -> None:
    _, none = said(server, text_part("words"))
    _, one = said(server, text_part("words"), audio_part(tone()))
    _, longer = said(server, text_part("words"), audio_part(tone(seconds=31)))
    assert one["prompt_tokens"] - none["prompt_tokens"] == ROWS
    assert longer["prompt_tokens"] - none["prompt_tokens"] == 2 * ROWS
    assert longer["prompt_tokens_details"]["audio_tokens"] == 2 * ROWS
    assert "audio_tokens" not in none["prompt_tokens_details"]
    assert "image_tokens" not in one["prompt_tokens_details"]


def test_the_same_sound_is_computed_once_and_another_is_not_it(server: Server) -> None:
    question = text_part("a question that is longer than a block of the cache")
    _, fresh = said(server, audio_part(tone(777)), question)
    _, again = said(server, audio_part(tone(777)), question)
    _, other = said(server, audio_part(tone(778)), question)
    assert again["prompt_tokens_details"]["cached_tokens"] >= fresh["prompt_tokens"] // 16 * 16 - 16
    assert other["prompt_tokens_details"]["cached_tokens"] < ROWS


def test_sounds_and_pictures_stand_side_by_side(server: Server) -> None:
    def both(file: bytes, shown: tuple[int, int, int]) -> float:
        first, usage = said(server, audio_part(file), text_part("and"), image_part(picture(shown)))
        details = usage["prompt_tokens_details"]
        assert (details["audio_tokens"], details["image_tokens"]) == (ROWS, 16)
        return first

    plain = both(tone(200), RED)
    assert both(tone(200), RED) == pytest.approx(plain, abs=1e-4)
    assert abs(both(tone(3000), RED) - plain) > 0.002
    assert abs(both(tone(200), BLUE) - plain) > 0.002


def test_a_response_hears_sounds_and_goes_on_from_them(server: Server) -> None:
    def asked(file: bytes) -> openai.types.responses.Response:
        content: Any = [{"type": "input_text", "text": "who is it?"}, audio_part(file)]
        return client.responses.create(
            model=server.model,
            input=[{"role": "user", "content": content}],
            max_output_tokens=4,
            temperature=0,
            include=["message.output_text.logprobs"],
        )

    def begins(response: openai.types.responses.Response) -> float:
        return float(response.output[0].content[0].logprobs[0].logprob)  # type: ignore[union-attr, index]

    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        low, high, again = asked(tone(200)), asked(tone(3000)), asked(tone(200))
        assert abs(begins(low) - begins(high)) > 0.01
        assert begins(again) == pytest.approx(begins(low), abs=1e-4)
        assert low.usage is not None
        more = client.responses.create(
            model=server.model, input="and now?", previous_response_id=low.id, max_output_tokens=2
        )
        assert more.usage is not None
        assert more.usage.input_tokens > low.usage.input_tokens + low.usage.output_tokens


def test_the_client_of_openai_sends_sounds(server: Server) -> None:
    data = base64.b64encode(tone()).decode()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(
            model=server.model,
            max_tokens=2,
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}],
                }
            ],
        )
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.audio_tokens == ROWS


def test_a_model_says_whether_it_hears_and_sees(server: Server, hearing: Server) -> None:
    def tasks(server: Server) -> set[str]:
        with server.client() as http:
            return set(http.get("/v1/models").json()["data"][0]["tasks"])

    assert {"vision", "audio"} <= tasks(server)
    assert "audio" in tasks(hearing)
    assert "vision" not in tasks(hearing)


def test_a_model_that_hears_alone_says_what_it_takes(hearing: Server) -> None:
    assert said(hearing, audio_part(tone()))[1]["prompt_tokens_details"]["audio_tokens"] == ROWS
    error = refused(hearing, image_part(picture()))
    assert error["code"] == "model_does_not_support_images"
    assert "text and sounds" in error["message"]


def test_a_model_that_does_not_hear_says_what_it_takes(model: Path) -> None:
    with running(str(model), "--mmproj", "none") as deaf:
        error = refused(deaf, audio_part(tone()))
        assert error["code"] == "model_does_not_support_audio"
        assert error["param"] == "messages[0].content[0].input_audio.data"
        assert "text alone" in error["message"]


@pytest.mark.parametrize(
    ("part", "param", "message"),
    [
        (audio_part(tone()[:-9]), "data", "cut off"),
        (audio_part(b"ID3 and so on"), "data", "no WAV file"),
        (audio_part(b"", "mp3"), "format", "this server takes wav"),
        (audio_part(tone(seconds=0.05)), "data", "lasts 0.05 seconds"),
        (audio_part(wav(bytes(4 * 301 * 4000), rate=4000, bits=32)), "data", "lasts 301 seconds"),
        (audio_part(wav(b"\xff\xff\xff\x7f" * RATE, bits=32, floating=True)), "data", "no finite number"),
    ],
    ids=["cut", "mp3", "format", "short", "long", "no number"],
)
def test_what_cannot_be_heard_is_refused(server: Server, part: dict[str, Any], param: str, message: str) -> None:
    error = refused(server, text_part("hear "), part)
    assert (error["code"], error["param"]) == ("invalid_audio", f"messages[0].content[1].input_audio.{param}")
    assert message in error["message"]


def test_sounds_have_no_token_ids(server: Server) -> None:
    messages = [{"role": "user", "content": [audio_part(tone())]}]
    with server.client() as http:
        answer = http.post("/tokenize", json={"messages": messages})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages[0].content[0].input_audio.data"


def test_an_encoder_that_hears_otherwise_keeps_the_server_from_starting(model: Path, tmp_path: Path) -> None:
    encoder = tmp_path / "mmproj.gguf"
    make_mmproj.write_audio_encoder(encoder, **{**HEARS, "embedding": 96})
    ended = subprocess.run(
        command(str(model), "--mmproj", str(encoder), "--port", "0"),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS_TO_START,
        check=False,
    )
    assert ended.returncode == 2
    assert "another model's" in ended.stderr
