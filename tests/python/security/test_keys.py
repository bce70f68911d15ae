from __future__ import annotations

from pathlib import Path

import pytest

from inferno.errors import ConfigError
from inferno.security import keys
from inferno.security.keys import ANONYMOUS, KeyStore, NoKeys, keys_of, read_key_file


def test_a_known_key_has_a_tenant_of_its_own_that_survives_a_restart_and_does_not_show_the_key() -> None:
    store = KeyStore(["alpha", "beta"])
    assert store.verify("alpha") == KeyStore(["beta", "alpha"]).verify("alpha")
    assert store.verify("alpha") != store.verify("beta")
    assert "alpha" not in str(store.verify("alpha"))


@pytest.mark.parametrize("presented", [None, "", "alph", "alphaa", "ALPHA", "älpha", "\udc80"])
def test_anything_else_opens_nothing(presented: str | None) -> None:
    assert KeyStore(["alpha", "beta"]).verify(presented) is None


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(known: bytes, presented: bytes) -> bool:
        compared.append(known)
        return known == presented

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    assert KeyStore(["alpha", "beta", "gamma"]).verify("alpha")
    assert len(compared) == 3


@pytest.mark.parametrize("given", [[], [""], ["ok", "three little words"], ["schlüssel"], ["tab\t"], ["na/me key"]])
def test_keys_that_cannot_guard_are_refused_without_showing_them(given: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        KeyStore(given)
    assert not any(key in caught.value.message for key in given if key)


def test_without_keys_everybody_is_one_tenant() -> None:
    assert isinstance(keys_of(()), NoKeys)
    assert keys_of(()).verify(None) == keys_of(()).verify("whatever") == ANONYMOUS
    assert keys_of(("alpha",)).verify(None) is None


def test_a_key_file_has_one_key_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# team\nalpha\n\n  beta  \n#gamma\n", encoding="utf-8")
    assert read_key_file(file) == ("alpha", "beta")


@pytest.mark.parametrize("content", [b"", b"# only\n\n", b"three little words\n", b"\xff\n"])
def test_a_key_file_without_usable_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(ConfigError):
        read_key_file(file)


def test_a_missing_key_file_is_refused_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_key_file(tmp_path / "absent")
    assert str(tmp_path) not in caught.value.message


def test_keys_of_one_name_are_one_tenant() -> None:
    store = KeyStore(["alice one", "alice two", "three"])
    assert store.verify("one") == store.verify("two") == "alice"
    assert store.verify("alice one") is None
    assert store.tenants == {"alice", store.verify("three")}
