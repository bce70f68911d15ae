"""The page at /docs in a real browser that has no network but the server's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, sync_playwright

from e2e.process import running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian and Ubuntu: apt-get install chromium)"),
]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def test_trying_a_request_shows_the_models_answer(browser: Browser) -> None:
    with running("--api-key", "a-key-of-twenty-letters") as server:
        page = browser.new_page()
        hosts: set[str] = set()

        def note(request: Request) -> None:
            hosts.add(request.url.split("/")[2] if "//" in request.url else "")

        faults: list[str] = []
        page.on("request", note)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server.url}/docs")
        page.get_by_text("no API key was sent").wait_for()
        page.get_by_label("API key").fill("a-key-of-twenty-letters")
        page.get_by_label("API key").blur()
        chat = page.locator("#create_chat_completion")
        chat.locator("summary").click()
        body = '{"messages": [{"role": "user", "content": "What is 12 + 30?"}], "temperature": 0%s}'
        for more, last in ((', "stream": true', "[DONE]"), ("", '"usage"')):
            chat.get_by_label("request body").fill(body % more)
            chat.get_by_role("button", name="Try it out").click()
            chat.get_by_text(last).wait_for()
            assert chat.locator("pre").inner_text().startswith("200 ")
        assert "= 42." in chat.locator("pre").inner_text()
        assert hosts - {""} == {server.url.removeprefix("http://")}
        assert not faults
