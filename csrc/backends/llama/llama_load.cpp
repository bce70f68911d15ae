#include "backends/llama/llama_load.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "backends/llama/adapted_model.h"
#include "backends/llama/context_log.h"
#include "backends/llama/exact_model.h"
#include "backends/llama/gguf_check.h"
#include "backends/llama/gguf_parts.h"
#include "backends/llama/int8_device.h"
#include "backends/llama/llama_describe.h"
#include "backends/llama/llama_encoder.h"
#include "backends/llama/llama_media.h"
#include "backends/llama/llama_model.h"
#include "backends/llama/llama_options.h"
#include "backends/llama/llama_runtime.h"
#include "base/host_limits.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

// From so many rows of a batch on, ggml's CPU flash attention works in tiles; below, it takes each row's whole cache one
// vector at a time (GGML_FA_TILE_Q). A row of 64 costs about two thirds of a row of 32.
constexpr std::int32_t kAttentionTile = 64;

const SteadyClock kClock;  // outlives every model

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// llama.cpp makes scores of a text with these, and without them would hand out a vector's first numbers for such.
bool has_classifier(const GgufTable& table) {
  return std::any_of(table.tensors.begin(), table.tensors.end(), [](const GgufTensor& tensor) {
    return tensor.name == "cls.output.weight" || (tensor.name == "cls.weight" && (tensor.shape.size() == 1 || tensor.shape[1] == 1));
  });
}

struct CheckedFile {
  bool has_classifier = false;
  GgufSplit split;
};

Result<CheckedFile> check_file(const std::string& path, Result<GgufTable> (*read)(std::span<const std::byte>)) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const Result<GgufTable> table = read(file.value().bytes());
  if (table.ok()) return CheckedFile{has_classifier(table.value()), table.value().split};
  return Status(table.status().code(), "'" + file_name(path) + "' cannot be used: " + table.status().message());
}

// Whether the model, which is whole, in one file or in several, has a classifier.
Result<bool> check_files(const std::string& path) {
  const Result<CheckedFile> first = check_file(path, read_gguf_table);
  if (!first.ok()) return first.status();
  const Result<std::vector<std::string>> parts = further_parts(path, first.value().split);
  if (!parts.ok()) return parts.status();
  bool found = first.value().has_classifier;
  for (std::size_t i = 0; i < parts.value().size(); ++i) {
    const Result<CheckedFile> part = check_file(parts.value()[i], read_gguf_part);
    if (!part.ok()) return part.status();
    const std::size_t count = parts.value().size() + 1;
    if (Status status = check_part(part.value().split, parts.value()[i], i + 1, count); !status.ok()) return status;
    found = found || part.value().has_classifier;
  }
  return found;
}

// llama.cpp says why only in its log. The reason must not carry the folder.
Status load_failure(const std::string& path, StatusCode otherwise) {
  std::string reason = take_llama_error();
  const std::string folder = path.substr(0, path.size() - file_name(path).size());  // of each part of a split model
  for (std::size_t at = 0; !folder.empty() && (at = reason.find(folder, at)) != std::string::npos;) {
    reason.erase(at, folder.size());
  }
  const auto mentions = [&reason](const char* word) { return reason.find(word) != std::string::npos; };
  if (mentions("alloc")) otherwise = StatusCode::kOutOfMemory;
  if (mentions("unknown model architecture")) otherwise = StatusCode::kUnsupported;
  return Status(otherwise, "llama.cpp cannot load '" + file_name(path) + "'" + (reason.empty() ? "" : ": " + reason));
}

// Passes progress on and remembers whether it was given up.
struct Progress {
  const std::function<bool(float)>& report;
  bool given_up = false;

  static bool forward(float fraction, void* self_pointer) {
    auto* self = static_cast<Progress*>(self_pointer);
    if (self->report && !self->report(fraction)) self->given_up = true;
    return !self->given_up;
  }
};

Result<LlamaModelHandle> load_weights(const std::string& path, const ModelOptions& options) {
  Progress progress{options.progress};
  llama_model_params params = llama_model_settings(options);
  params.progress_callback = &Progress::forward;
  params.progress_callback_user_data = &progress;
  static_cast<void>(take_llama_error());  // an older failure's line is not this one's reason
  const FileOrder order;
  LlamaModelHandle model(llama_model_load_from_file(path.c_str(), params));
  if (progress.given_up) return Status(StatusCode::kCancelled, "loading '" + file_name(path) + "' was given up");
  if (!model) return load_failure(path, StatusCode::kDataCorrupted);
  return model;
}

Capabilities describe_capabilities(const llama_model* model, const llama_context* context, const ModelOptions& options,
                                   const LlamaSizes& sizes) {
  Capabilities caps;
  const bool recurrent = llama_model_is_recurrent(model) || llama_model_is_hybrid(model);
  caps.sharing = recurrent       ? PrefixSharing::kNone
                 : sizes.unified ? PrefixSharing::kAlias
                                 : PrefixSharing::kCopy;
  caps.slots_apart = !sizes.unified || recurrent;  // recurrent layers take as many rows of each slot of a pass
  caps.slots = sizes.slots;
  caps.capacity_tokens = sizes.kv_tokens;
  caps.context_tokens = sizes.context_tokens + (options.deterministic ? 1 : 0);  // ExactModel's spare cell
  caps.row_tile = kAttentionTile;
  caps.batch_rows = std::min(options.batch_rows, static_cast<std::int32_t>(llama_n_batch(context)));
  caps.logits_rows = logits_rows(options, sizes);
  caps.kv_bytes = sizes.kv_bytes;
  // What slides out of a window is not saved, so that what is loaded could not be cut.
  if (!recurrent && llama_model_n_swa(model) == 0) {
    caps.saved_format = llama_version_text() + " kv " + options.kv_type + " flash " + options.flash_attention +
                        (sizes.unified ? " unified" : " streams " + std::to_string(sizes.streams));
  }
  return caps;
}

ModelReport describe_loading(const llama_context_params& params, const ModelOptions& options, const LlamaSizes& sizes,
                             const KvShape& kv, const ContextLog& log) {
  ModelReport report;
  report.threads = params.n_threads;
  report.kv_layout = sizes.unified ? "unified" : "per_sequence";
  report.kv_type = options.kv_type;
  report.flash_attention = options.deterministic ? "on" : options.flash_attention;
  if (const std::optional<bool> used = log.flash_attention()) report.flash_attention = *used ? "on" : "off";
  report.kv = kv;
  report.kv_block = {static_cast<std::int32_t>(ggml_blck_size(params.type_k)),
                     static_cast<std::int32_t>(ggml_type_size(params.type_k))};
  report.kv_cells = sizes.all_cells();
  report.compute_bytes = log.compute_bytes();
  report.times_operators = params.cb_eval != nullptr;
  return report;
}

// Takes the model over. kUnsupported when its rows do not come out exact after all.
Result<std::unique_ptr<Model>> made_exact(std::unique_ptr<LlamaModel> model, bool experts) {
  if (model->capabilities().sharing == PrefixSharing::kNone) {
    return Status(StatusCode::kUnsupported, "deterministic is on, but this model's state cannot be cut", "deterministic");
  }
  model->keep_alike();
  const Result<bool> attends_alike = model->attends_alike();
  if (!attends_alike.ok()) return attends_alike.status();
  auto exact = std::make_unique<ExactModel>(std::move(model));
  if (Status status = check_exact(*exact, attends_alike.value(), experts); !status.ok()) return status;
  return std::unique_ptr<Model>(std::move(exact));
}

}  // namespace

Result<std::unique_ptr<Model>> load_llama_model(const std::string& path, const ModelOptions& options) {
  start_llama();
  if (Status status = check_llama_options(options); !status.ok()) return status;
  const Result<bool> has_head = check_files(path);
  if (!has_head.ok()) return has_head.status();
  if (options.deterministic) use_plain_kernels();
  const std::optional<std::uint64_t> memory = available_memory();
  Result<LlamaModelHandle> loaded = load_weights(path, options);
  if (!loaded.ok()) return loaded.status();
  LlamaModelHandle model = std::move(loaded).value();
  const Result<ModelUse> use = model_use(model.get());
  if (!use.ok()) return use.status();
  ModelInfo info = describe_model(model.get(), std::filesystem::path(path).stem().string(), options);
  if (use.value() == ModelUse::kEmbeds && !options.media_encoder.empty()) {
    return invalid_argument("mmproj", "a media encoder is given, but the model embeds text and takes no pictures and no sounds");
  }
  if (use.value() == ModelUse::kEmbeds) return make_llama_encoder(std::move(model), std::move(info), options, has_head.value());
  if (!options.pooling.empty()) {
    return invalid_argument("pooling", "pooling is '" + options.pooling + "', but the model generates text and does not embed it");
  }

  std::unique_ptr<MediaEncoder> media;
  if (!options.media_encoder.empty()) {
    Result<std::unique_ptr<MediaEncoder>> encoder = load_llama_media(model.get(), options);
    if (!encoder.ok()) return encoder.status();
    media = std::move(encoder).value();
  }
  const SizingFacts facts = sizing_facts(model.get(), memory, options);
  const Result<LlamaSizes> sizes = choose_sizes(options, facts);
  if (!sizes.ok()) return sizes.status();
  llama_context_params params = llama_context_settings(options, sizes.value());
  auto timer = options.time_operators ? std::make_unique<OperatorTimer>(kClock) : nullptr;
  if (timer) {
    params.cb_eval = &OperatorTimer::on_node;
    params.cb_eval_user_data = timer.get();
  }
  const ContextLog log;
  LlamaContextHandle context = make_context(model.get(), params);
  if (!context) return load_failure(path, StatusCode::kInternal);
  if (llama_get_memory(context.get()) == nullptr) return not_servable();

  Capabilities caps = describe_capabilities(model.get(), context.get(), options, sizes.value());
  if (media) {
    caps.media_width = llama_model_n_embd_inp(model.get());
    caps.pictures = media->takes_pictures();
    caps.sounds = media->takes_sounds();
    // Beside the rows of all slots that decode, lest a picture never find room.
    caps.rows_together = std::min(static_cast<std::int32_t>(llama_n_ubatch(context.get())), caps.batch_rows - caps.slots);
  }
  const bool experts = chooses_experts(model.get());
  auto made = std::make_unique<LlamaModel>(std::move(model), std::move(context), std::move(info), caps,
                                           describe_loading(params, options, sizes.value(), facts.kv, log), std::move(timer));
  made->take_media(std::move(media));
  if (options.deterministic) return made_exact(std::move(made), experts);
  return std::unique_ptr<Model>(std::make_unique<AdaptedModel>(std::move(made)));
}

}  // namespace inferno
