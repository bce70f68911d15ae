"""LoRA adapters through the server: loaded at start and while it runs, chosen by name, served together, unloaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import inferno
from e2e.process import Server, eventually, running
from inferno.models.huggingface.adapter import prepare_adapter
from inferno.models.huggingface.folder import open_folder

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
import ember_folder
import hf_adapters

pytestmark = pytest.mark.e2e
pytest.importorskip("tokenizers", reason="a folder's tokenizer needs pip install 'inferno[hf]'")

PROMPT = "The museum opens at nine and closes at five, and the garden behind it is open all night. " * 3
EXACT = ("--kv-type", "f32", "--flash-attention", "off", "--threads", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``ember`` as a folder, and beside it two adapters for it that change what it says."""
    place = tmp_path_factory.mktemp("adapters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        ember_folder.write(place / "ember")
        for name in ("a", "b"):
            hf_adapters.write(place / "shelf" / name, adapter(place, name))
        yield place


def adapter(place: Path, seed: str) -> hf_adapters.Adapter:
    modules = hf_adapters.linear_modules(hf_adapters.shapes_of(place / "ember"))
    return hf_adapters.Adapter(seed, modules, rank=8, alpha=16.0)


def ask(server: Server, model: str, **more: Any) -> httpx.Response:
    body = {"model": model, "prompt": PROMPT, "max_tokens": 24, "temperature": 0, "ignore_eos": True, **more}
    with server.client() as http:
        return http.post("/v1/completions", json=body)


def text(server: Server, model: str) -> str:
    answer = ask(server, model)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["text"])


def cached(server: Server, model: str) -> int:
    return int(ask(server, model).json()["usage"]["prompt_tokens_details"]["cached_tokens"])


def manage(server: Server, verb: str, name: str, path: str | None = None) -> httpx.Response:
    body = {"lora_name": name} | ({} if path is None else {"lora_path": path})
    with server.client() as http:
        return http.post(f"/v1/{verb}_lora_adapter", json=body)


def test_a_model_and_two_adapters_at_once(place: Path) -> None:
    """One adapter from the start, one loaded later; no prefix goes from one to another."""
    shelf = place / "shelf"
    flags = ("--adapter", f"a={shelf / 'a'}", "--adapter-folder", str(shelf), *EXACT)
    with running(str(place / "ember"), *flags) as server:
        assert manage(server, "load", "b", "b").text == "Success: LoRA adapter 'b' added successfully."
        with server.client() as http:
            listed = {model["id"]: model for model in http.get("/v1/models").json()["data"]}
            one = http.get("/v1/models/ember:b").json()
        assert list(listed) == ["ember", "ember:a", "ember:b"]
        assert (one["parent"], one["root"]) == ("ember", "b")
        assert one == listed["ember:b"]
        assert "parent" not in listed["ember"]
        assert [cached(server, name) for name in listed] == [0, 0, 0]
        assert all(cached(server, name) >= 32 for name in listed)

        alone = {name: text(server, name) for name in listed}
        assert len(set(alone.values())) == 3
        with ThreadPoolExecutor(12) as together:
            names = [*listed] * 4
            assert list(together.map(lambda name: text(server, name), names)) == [alone[name] for name in names]

        unknown = ask(server, "ember:c")
        assert unknown.status_code == 404
        assert "served: ember, ember:a, ember:b" in unknown.json()["error"]["message"]
        assert server.stop() == 0
    hf_adapters.add_to(place / "ember", adapter(place, "a"))
    try:
        with inferno.LLM(str(place / "ember"), kv_type="f32", flash_attention="off", threads=1) as merged:
            (expected,) = merged.generate(PROMPT, max_tokens=24, temperature=0.0, ignore_eos=True)
    finally:
        ember_folder.write(place / "ember")
    assert alone["ember:a"] == expected.text


def test_unloaded_while_it_is_used(place: Path) -> None:
    flags = ("--adapter-folder", str(place / "shelf"), *EXACT)
    with running(str(place / "ember"), *flags) as server, server.client() as http:
        assert manage(server, "load", "b", "b").status_code == 200
        assert "is loaded already" in manage(server, "load", "b", "a").json()["error"]["message"]
        body = {"model": "ember:b", "prompt": "Once", "max_tokens": 400, "stream": True, "ignore_eos": True}
        with http.stream("POST", "/v1/completions", json=body) as stream:
            events = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: {"))
            next(events)
            assert manage(server, "unload", "b").text == "Success: LoRA adapter 'b' removed successfully."
            assert ask(server, "ember:b").status_code == 404
            assert [event["choices"][0]["finish_reason"] for event in events if event["choices"]][-1] == "length"
        assert manage(server, "unload", "b").status_code == 404
        assert manage(server, "load", "b", "a").status_code == 200, "its name is free again"
        eventually(lambda: server.metric("inferno_requests_running") == 0)
        assert server.stop() == 0


def test_the_network_names_entries_of_the_folder_only(place: Path, tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "link").symlink_to(place / "shelf" / "a")
    (tmp_path / "shelf" / "broken.gguf").write_bytes(b"GGUF\3\0\0\0nothing of the kind")
    with running("fake:", "--adapter-folder", str(tmp_path / "shelf")) as server:
        for path in ("../shelf/link", str(place / "shelf" / "a"), "..", ".", "", "a/b", "fake:adapter=1", "a\0b"):
            refused = manage(server, "load", "x", path)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, "lora_path"), path
        for path in ("link", "nowhere"):
            assert manage(server, "load", "x", path).status_code == 404
        for name in ("", "a:b", "../x", "x" * 65):
            assert manage(server, "load", name, "link").json()["error"]["param"] == "lora_name"
        assert server.stop() == 0
    with running("ember", "--adapter-folder", str(tmp_path / "shelf"), "--threads", "1") as server:
        broken = manage(server, "load", "x", "broken.gguf")
        assert broken.status_code == 400
        assert "broken.gguf" in broken.json()["error"]["message"]
        assert str(tmp_path) not in broken.text
        assert text(server, "ember")
        assert server.stop() == 0


def test_without_a_folder_for_them_nothing_is_loaded_over_the_network() -> None:
    with running("fake:") as server:
        for verb, path in (("load", "a"), ("unload", None)):
            refused = manage(server, verb, "a", path)
            assert refused.status_code == 403
            assert "--adapter-folder" in refused.json()["error"]["message"]
        assert server.stop() == 0


def test_a_gguf_adapter_on_a_gguf_model(place: Path) -> None:
    """The file that was made of PEFT's folder, on the GGUF file that the folder was made of."""
    made = prepare_adapter(place / "shelf" / "a", open_folder(place / "ember"))
    peft = {"a": str(place / "shelf" / "a")}
    how = {"max_tokens": 24, "temperature": 0.0, "ignore_eos": True, "adapter": "a"}
    with inferno.LLM(str(place / "ember"), quantize="q8_0", threads=1, adapters=peft) as folder:
        (expected,) = folder.generate(PROMPT, **how)
    with inferno.LLM(threads=1, adapters={"a": str(made)}) as ember:
        (same,) = ember.generate(PROMPT, **how)
        assert same.text == expected.text
        assert ember.generate(PROMPT, **(how | {"adapter": None}))[0].text != expected.text
        with pytest.raises(inferno.errors.NotFound, match="the adapter 'b' is not loaded"):
            ember.generate(PROMPT, **(how | {"adapter": "b"}))
    with pytest.raises(inferno.errors.Unsupported, match="adapter a: a folder of PEFT's .* this model is a GGUF file"):
        inferno.LLM(adapters=peft)
    with pytest.raises(inferno.errors.Unsupported, match="takes no adapters.* --deterministic"):
        inferno.LLM(adapters={"a": str(made)}, deterministic=True)


def test_prefixes_of_an_adapter_outlive_the_server_by_its_content(tmp_path: Path) -> None:
    store = ("--prefix-store", str(tmp_path / "store"))
    with running("fake:", *store, "--adapter", "a=fake:adapter=1") as server:
        first = text(server, "fake:a")
        assert server.stop() == 0
    with running("fake:", *store, "--adapter", "other=fake:adapter=2", "--adapter", "again=fake:adapter=1") as server:
        assert cached(server, "fake") == 0
        assert cached(server, "fake:other") == 0
        assert cached(server, "fake:again") > 200
        assert text(server, "fake:again") == first
        assert server.stop() == 0
