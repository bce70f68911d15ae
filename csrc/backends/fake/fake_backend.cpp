#include "backends/fake/fake_backend.h"

#include "backends/fake/fake_model.h"

namespace inferno {

BackendRoom fake_backend() {
  BackendRoom room;
  room.name = "fake";
  room.formats = "the name 'fake:', a test model";
  room.abilities = {"complete", "chat",   "logprobs", "constraints", "prefix_sharing", "lora",
                    "vision",   "audio",  "embed",    "classify",    "rerank"};
  room.version = [] { return Result<std::string>("1"); };
  room.knows_name = [](std::string_view path) { return path.starts_with(kFakePrefix); };
  room.load = [](const std::string& path, const ModelOptions& options) { return load_fake_model(path, options); };
  return room;
}

}  // namespace inferno
