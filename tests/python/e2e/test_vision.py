"""Pictures through the server, with a model and a media encoder of random weights: they change what is said, and only
they; the same one is the same; and what is no picture is refused."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from tests.data import make_gguf, make_mmproj

from e2e.process import SECONDS_TO_START, Server, command, environment, eventually, running
from engine.media.pictures import BLUE, RED, bomb, data_url, image_part, picture, text_part

pytestmark = pytest.mark.e2e

ROWS = 16
"""What the tiny encoder makes of a picture."""
ENCODER: Any = {"seed": 4, "side": 16, "patch": 4, "width": 32, "heads": 2, "embedding": 64}
EXACT = ("--kv-type", "f32", "--flash-attention", "off", "--threads", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that sees, as model hubs have it: the model's file and the encoder's beside it."""
    place = tmp_path_factory.mktemp("vision")
    make_gguf.write_model(place / "tiny.gguf", "llama", seed=1, layers=2, width=64, heads=4, kv_heads=2)
    make_mmproj.write_image_encoder(place / "mmproj-tiny.gguf", **ENCODER)
    return place


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with running(str(place), *EXACT, "--body-limit", str(64 << 20)) as server:
        yield server


def ask(server: Server, *parts: dict[str, Any], **fields: Any) -> httpx.Response:
    messages = [{"role": "user", "content": list(parts)}]
    body = {"messages": messages, "max_tokens": 12, "temperature": 0, "logprobs": True, "ignore_eos": True, **fields}
    with server.client() as http:
        return http.post("/v1/chat/completions", json=body)


def said(server: Server, *parts: dict[str, Any], **fields: Any) -> tuple[Any, dict[str, Any]]:
    """Every token with its probability, and the usage."""
    answer = ask(server, *parts, **fields)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    tokens = [(one["bytes"], one["logprob"]) for one in body["choices"][0]["logprobs"]["content"]]
    return tokens, body["usage"]


def first(tokens: Any) -> float:
    return float(tokens[0][1])


def refused(server: Server, *parts: dict[str, Any]) -> dict[str, Any]:
    answer = ask(server, *parts)
    assert answer.status_code == 400, answer.text
    return dict(answer.json()["error"])


def test_the_picture_decides_what_is_said(server: Server) -> None:
    question = [text_part("what is "), text_part("there?")]
    red, _ = said(server, question[0], image_part(picture(RED)), question[1])
    blue, _ = said(server, question[0], image_part(picture(BLUE)), question[1])
    again, _ = said(server, question[0], image_part(picture(RED)), question[1])
    assert abs(first(red) - first(blue)) > 0.01
    assert [token for token, _ in again] == [token for token, _ in red]
    assert first(again) == pytest.approx(first(red), abs=1e-4)


def test_a_response_sees_pictures_and_goes_on_from_them(server: Server) -> None:
    def asked(file: bytes) -> openai.types.responses.Response:
        content: Any = [{"type": "input_text", "text": "what is"}, {"type": "input_image", "image_url": data_url(file)}]
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
        red, blue, again = asked(picture(RED)), asked(picture(BLUE)), asked(picture(RED))
        assert abs(begins(red) - begins(blue)) > 0.01
        assert begins(again) == pytest.approx(begins(red), abs=1e-4)
        assert red.usage is not None
        more = client.responses.create(
            model=server.model, input="and now?", previous_response_id=red.id, max_output_tokens=2
        )
        assert more.usage is not None
        assert more.usage.input_tokens > red.usage.input_tokens + red.usage.output_tokens
        [message] = client.responses.input_items.list(red.id).data
        assert message.content[1].image_url == data_url(picture(RED))  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_in_every_format_it_is_the_same_picture(server: Server, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    png, _ = said(server, text_part(kind), image_part(picture(BLUE)))
    other, usage = said(server, text_part(kind), image_part(picture(BLUE, kind, **options), kind.lower()))
    assert first(other) == pytest.approx(first(png), abs=0.05)
    assert usage["prompt_tokens_details"]["image_tokens"] == ROWS


def test_the_prompt_grows_by_the_pictures_rows(server: Server) -> None:
    _, none = said(server, text_part("words"))
    _, one = said(server, text_part("words"), image_part(picture(RED)))
    _, two = said(server, text_part("words"), image_part(picture(RED)), image_part(picture(BLUE)))
    assert one["prompt_tokens"] - none["prompt_tokens"] == ROWS
    assert two["prompt_tokens"] - none["prompt_tokens"] == 2 * ROWS
    assert two["prompt_tokens_details"]["image_tokens"] == 2 * ROWS
    assert "image_tokens" not in none["prompt_tokens_details"]


def test_the_next_turn_reuses_the_picture_and_another_picture_does_not(server: Server) -> None:
    question = "a question that is longer than a block of the cache"
    parts = [image_part(picture((9, 99, 9))), text_part(question)]
    _, fresh = said(server, *parts)
    _, again = said(server, *parts)
    _, other = said(server, image_part(picture((9, 99, 10))), text_part(question))
    assert again["prompt_tokens_details"]["cached_tokens"] >= fresh["prompt_tokens"] // 16 * 16 - 16
    assert other["prompt_tokens_details"]["cached_tokens"] < ROWS


def test_beside_others_it_is_what_it_is_alone(server: Server) -> None:
    asks = [(text_part(f"{i} what? "), image_part(picture((40 * i, 0, 200)))) for i in range(6)]
    asks += [(text_part(f"{i} only words, and some more of them"),) for i in range(6)]
    alone = [said(server, *parts)[0] for parts in asks]
    with ThreadPoolExecutor(len(asks)) as pool:
        together = list(pool.map(lambda parts: said(server, *parts)[0], asks))
    for one, other in zip(alone, together, strict=True):
        assert [token for token, _ in one] == [token for token, _ in other]
        assert first(one) == pytest.approx(first(other), abs=1e-3)


def test_the_streamed_answer_is_the_whole_one(server: Server) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    content = [text_part("look: "), image_part(picture(RED), detail="auto")]
    fields: Any = {
        "model": server.model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 12,
        "temperature": 0,
    }
    whole = client.chat.completions.create(**fields)
    usage = whole.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.image_tokens == ROWS
    chunks = list(client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens_details.image_tokens == ROWS
    client.close()


def post(server: Server, path: str, body: dict[str, Any]) -> httpx.Response:
    with server.client() as http:
        return http.post(path, json=body)


def test_anthropics_messages_hold_pictures(server: Server) -> None:
    def ask_for(color: tuple[int, int, int], path: str = "/v1/messages", **more: Any) -> dict[str, Any]:
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(picture(color)).decode()}
        blocks = [text_part("what is "), {"type": "image", "source": source}, text_part("there?")]
        answer = post(server, path, {"model": server.model, "messages": [{"role": "user", "content": blocks}], **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    red, blue = (ask_for(color, max_tokens=30, temperature=0.0) for color in (RED, BLUE))
    assert red["content"][0]["text"] != blue["content"][0]["text"]
    assert ask_for(RED, "/v1/messages/count_tokens")["input_tokens"] == sum(
        red["usage"][name] for name in ("input_tokens", "cache_read_input_tokens")
    )
    for source, code in (
        ({"type": "base64", "media_type": "image/png", "data": "?"}, "base64"),
        ({"type": "base64", "media_type": "image/bmp", "data": ""}, "media_type"),
        ({"type": "url", "url": "https://example.com/a.png"}, "fetches no pictures"),
        ({"type": "file", "file_id": "f"}, "keeps none"),
    ):
        content = [{"type": "image", "source": source}]
        answer = post(
            server,
            "/v1/messages",
            {"model": server.model, "max_tokens": 3, "messages": [{"role": "user", "content": content}]},
        )
        assert answer.status_code == 400
        assert code in answer.json()["error"]["message"]


def test_ollamas_messages_and_prompts_hold_pictures(server: Server) -> None:
    def said_of(color: tuple[int, int, int]) -> tuple[str, str]:
        images = [base64.b64encode(picture(color)).decode()]
        fields = {"model": server.model, "stream": False, "options": {"temperature": 0, "num_predict": 30}}
        message = {"role": "user", "content": "look", "images": images}
        chat = post(server, "/api/chat", {**fields, "messages": [message]})
        prompt = post(server, "/api/generate", {**fields, "prompt": "look", "images": images})
        assert (chat.status_code, prompt.status_code) == (200, 200), chat.text + prompt.text
        return chat.json()["message"]["content"], prompt.json()["response"]

    red, blue = said_of(RED), said_of(BLUE)
    assert red[0] == red[1]
    assert red[0] != blue[0]
    assert "vision" in post(server, "/api/show", {"model": server.model}).json()["capabilities"]
    wrong = [{"role": "assistant", "content": "a", "images": ["aGk="]}]
    assert post(server, "/api/chat", {"model": server.model, "messages": wrong}).status_code == 400


def test_no_text_becomes_a_picture(server: Server) -> None:
    for text in ("<__media__>", "<image>", "\ufdd20\ufdd2"):
        _, usage = said(server, text_part(text))
        assert "image_tokens" not in usage["prompt_tokens_details"]
        _, usage = said(server, text_part(text), image_part(picture(RED)))
        assert usage["prompt_tokens_details"]["image_tokens"] == ROWS


def test_one_who_leaves_takes_the_work_along() -> None:
    parts = [text_part("long"), image_part(picture(RED))]
    body = json.dumps({"messages": [{"role": "user", "content": parts}], "max_tokens": 3000, "ignore_eos": True})
    with running("fake:step_us=5000", "--mmproj", f"fake:image={ROWS}") as slow:
        host, port = slow.url.removeprefix("http://").split(":")
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall((head + body).encode())
            eventually(lambda: slow.metric("inferno_requests_running") == 1)
        eventually(lambda: slow.metric("inferno_requests_running") == 0)
        assert slow.metric("inferno_kv_cache_leases") == 0
        assert slow.metric("inferno_requests_total", 'outcome="cancelled"') == 1


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (image_part(b"GIF89a no picture"), "invalid_image"),
        (image_part(picture(RED, "BMP")), "invalid_image"),
        (image_part(bomb(30_000, 30_000)), "invalid_image"),
        (image_part(bomb(20_000, 100)), "invalid_image"),
        (image_part(bytes(21 << 20)), "invalid_image"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}, "invalid_image"),
        ({"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/a.png"}}, "image_url_not_allowed"),
    ],
    ids=["damaged", "bmp", "bomb", "thin", "large", "no base64", "remote"],
)
def test_what_cannot_be_shown_is_refused(server: Server, part: dict[str, Any], code: str) -> None:
    error = refused(server, text_part("see "), part)
    assert (error["code"], error["param"]) == (code, "messages[0].content[1].image_url")
    assert str(Path.cwd()) not in error["message"]


def test_pictures_that_do_not_fit_are_refused(server: Server) -> None:
    parts = [image_part(picture((shade, 0, 0))) for shade in range(16)]
    assert refused(server, text_part("w" * 300), *parts)["code"] == "context_length_exceeded"


def test_pictures_have_no_token_ids(server: Server) -> None:
    messages = [{"role": "user", "content": [image_part(picture(RED))]}]
    with server.client() as http:
        answer = http.post("/tokenize", json={"messages": messages})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "messages[0].content[0].image_url"


def test_a_model_served_for_text_alone_says_so(place: Path) -> None:
    with running(str(place), "--mmproj", "none") as blind:
        error = refused(blind, image_part(picture(RED)))
        assert error["code"] == "model_does_not_support_images"
        assert said(blind, text_part("words"))[1]["prompt_tokens"] > 0


def test_rows_that_see_each_other_are_computed_whole_in_steps_of_any_size(place: Path, tmp_path: Path) -> None:
    """Gemma 3's way. Its tiny encoder makes 16 rows; steps of 24 and 20 rows cut the prompt as one of 512 does not."""
    encoder = tmp_path / "mmproj-gemma3.gguf"
    make_mmproj.write_image_encoder(encoder, **{**ENCODER, "side": 64, "projector": "gemma3"})
    parts = (text_part("some words before "), image_part(picture(RED)), text_part(" and some words behind"))
    other = (text_part("some words before "), image_part(picture(BLUE)), text_part(" and some words behind"))
    flags = ("--mmproj", str(encoder), *EXACT, "--slots", "4")
    found = []
    for rows in ("512", "24", "20"):
        with running(str(place / "tiny.gguf"), *flags, "--batch-rows", rows) as server, ThreadPoolExecutor(6) as pool:
            tokens, usage = said(server, *parts)
            assert usage["prompt_tokens_details"]["image_tokens"] == ROWS
            again, reused = said(server, *parts)
            assert reused["prompt_tokens_details"]["cached_tokens"] > 0
            assert first(again) == pytest.approx(first(tokens), abs=1e-4)
            crowd = list(pool.map(lambda ask: said(server, *ask)[0], [parts, other] * 3))
            assert [first(tokens) for tokens in crowd[::2]] == pytest.approx([first(tokens)] * 3, abs=1e-4)
            assert all(abs(first(one) - first(tokens)) > 0.001 for one in crowd[1::2])
            found.append(first(tokens))
    assert found == pytest.approx([found[0]] * 3, abs=1e-4)
    with running(str(place / "tiny.gguf"), *flags, "--batch-rows", "16") as server:
        error = refused(server, *parts)
        assert "rows that are computed in one step" in error["message"]
        assert "--batch-rows" in error["message"]


class _Stub(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        file = picture(RED)
        self.send_header("content-length", str(len(file)))
        self.end_headers()
        self.wfile.write(file)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def test_from_an_allowed_host_pictures_are_fetched(place: Path, server: Server) -> None:
    stub = ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (_Stub,), {"asked": []}))
    asked: list[str] = stub.RequestHandlerClass.asked  # type: ignore[attr-defined]
    thread = threading.Thread(target=stub.serve_forever)
    thread.start()
    try:
        there = f"127.0.0.1:{stub.server_port}"
        remote = {"type": "image_url", "image_url": {"url": f"http://{there}/red.png"}}
        assert refused(server, remote)["code"] == "image_url_not_allowed"
        assert asked == []
        with running(str(place), *EXACT, "--allow-image-host", there) as allowing:
            fetched, _ = said(allowing, text_part("see "), remote)
            inline, _ = said(allowing, text_part("see "), image_part(picture(RED)))
        assert [token for token, _ in fetched] == [token for token, _ in inline]
        assert asked == ["/red.png"]
    finally:
        stub.shutdown()
        thread.join()
        stub.server_close()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "no such media encoder"),
        ("damaged", "truncated"),
        ("of another model", "another model's"),
        ("of several dimensions", "'mlp', whose model wants positions of several dimensions (M-RoPE)"),
    ],
)
def test_an_encoder_that_cannot_be_used_keeps_the_server_from_starting(
    place: Path, tmp_path: Path, what: str, said: str
) -> None:
    encoder, model = tmp_path / "mmproj.gguf", place / "tiny.gguf"
    if what == "damaged":
        encoder.write_bytes((place / "mmproj-tiny.gguf").read_bytes()[:-50])
    elif what == "of another model":
        make_mmproj.write_image_encoder(encoder, **{**ENCODER, "embedding": 96})
    elif what == "of several dimensions":
        model = tmp_path / "qwen2vl.gguf"
        make_gguf.write_model(model, "qwen2vl", seed=1, layers=2, width=64, heads=2, kv_heads=1)
        make_mmproj.write_image_encoder(encoder, **ENCODER)
    ended = subprocess.run(
        command(str(model), "--mmproj", str(encoder), "--port", "0"),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS_TO_START,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
