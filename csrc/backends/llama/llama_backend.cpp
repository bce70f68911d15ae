#include "backends/llama/llama_backend.h"

#include "backends/llama/llama_load.h"
#include "backends/llama/llama_runtime.h"

namespace inferno {

BackendRoom llama_backend() {
  BackendRoom room;
  room.name = "llama";
  room.formats = "GGUF files";
  room.abilities = {"complete", "chat",   "logprobs", "constraints", "prefix_sharing", "lora",
                    "vision",   "audio",  "embed",    "classify",    "rerank"};
  room.version = [] { return Result<std::string>(llama_version_text()); };
  room.devices = &llama_devices;
  room.knows_file = [](std::string_view first_bytes) { return first_bytes.starts_with("GGUF"); };
  room.load = &load_llama_model;
  return room;
}

}  // namespace inferno
