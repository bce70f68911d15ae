"""Loading and unloading adapters, on the wire: vLLM's field names."""

from __future__ import annotations

import msgspec


class LoadAdapter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    lora_name: str
    """What it is called from then on: requests say ``MODEL:lora_name``."""
    lora_path: str
    """The name of an entry of the server's adapter folder."""


class UnloadAdapter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    lora_name: str


LOAD_DECODER = msgspec.json.Decoder(LoadAdapter)
UNLOAD_DECODER = msgspec.json.Decoder(UnloadAdapter)
