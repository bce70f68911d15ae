// Loading a model, asking what it is, and its tokenizer.
#include <pybind11/stl.h>

#include <exception>
#include <optional>
#include <variant>

#include "backends/backend_registry.h"
#include "base/host_limits.h"
#include "bindings/py_media.h"
#include "bindings/py_model.h"
#include "bindings/register.h"
#include "memory/free_memory.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

using Segment = std::variant<TokenId, std::string>;

OptionKind kind_named(const std::string& name) {
  for (const OptionKind kind : {OptionKind::kText, OptionKind::kInteger, OptionKind::kNumber, OptionKind::kFlag}) {
    if (name == option_kind_name(kind)) return kind;
  }
  raise_unless_ok(invalid_argument("type", "'" + name + "' is no type of an option; it must be text, integer, number or flag"));
  return OptionKind::kText;
}

py::list crossing(const std::vector<BackendOption>& options) {
  py::list declared;
  for (const BackendOption& o : options) {
    declared.append(py::dict("name"_a = o.name, "type"_a = option_kind_name(o.kind), "default"_a = o.standard, "help"_a = o.help,
                             "choices"_a = o.choices, "least"_a = o.least, "most"_a = o.most));
  }
  return declared;
}

// `declared` as list_backends gives them; for backends that are not in this module.
BackendOptions checked_options(const std::string& backend, const std::vector<py::dict>& declared, const BackendOptions& given) {
  std::vector<BackendOption> options;
  for (const py::dict& one : declared) {
    options.push_back({one["name"].cast<std::string>(), kind_named(one["type"].cast<std::string>()),
                       one["default"].cast<std::string>(), one["help"].cast<std::string>(),
                       one["choices"].cast<std::vector<std::string>>(), one["least"].cast<double>(), one["most"].cast<double>()});
  }
  return value_or_raise(check_options(backend, options, given));
}

std::string backend_of(const std::string& path) {
  auto room = [&] {
    py::gil_scoped_release release;
    return built_in_backends().that_opens(path);
  }();
  return value_or_raise(std::move(room))->name;
}

py::list list_backends() {
  py::list listed;
  for (const BackendInfo& b : built_in_backends().list()) {
    listed.append(py::dict("name"_a = b.name, "version"_a = b.version, "missing"_a = b.missing, "formats"_a = b.formats,
                           "devices"_a = b.devices, "abilities"_a = b.abilities, "options"_a = crossing(b.options)));
  }
  return listed;
}

// Loads with the GIL released; `progress` is called with it. An exception raised by `progress` gives up the load and
// comes out of load() itself.
std::unique_ptr<PyModel> load(const std::string& path, ModelOptions options, const std::optional<py::function>& progress,
                              std::shared_ptr<ModelCard> card) {
  options.card = std::move(card);
  std::exception_ptr raised;
  if (progress) {
    options.progress = [&](float done) {
      py::gil_scoped_acquire gil;
      try {
        return (*progress)(done).cast<bool>();
      } catch (...) {
        raised = std::current_exception();
        return false;
      }
    };
  }
  auto loaded = [&] {
    py::gil_scoped_release release;
    return load_model(path, options);
  }();
  if (raised) std::rethrow_exception(raised);
  return std::make_unique<PyModel>(value_or_raise(std::move(loaded)));
}

std::shared_ptr<ModelCard> make_card(const std::string& architecture, const std::string& name, std::int32_t trained_context,
                                     std::int32_t head_size, const std::vector<py::bytes>& pieces,
                                     const std::vector<std::pair<TokenId, std::string>>& special, std::vector<TokenId> ends,
                                     TokenId bos, TokenId eos, TokenId closing, bool adds_bos, bool strips_leading_space) {
  auto card = std::make_shared<ModelCard>();
  card->architecture = architecture;
  card->name = name;
  card->trained_context = trained_context;
  card->head_size = head_size;
  TokenTable& tokens = card->tokens;
  tokens.bytes.reserve(pieces.size());
  for (const py::bytes& piece : pieces) tokens.bytes.emplace_back(piece);
  for (const auto& [id, text] : special) tokens.special.push_back({id, text});
  tokens.ends = std::move(ends);
  tokens.bos = bos;
  tokens.eos = eos;
  tokens.closing = closing;
  tokens.adds_bos = adds_bos;
  tokens.strips_leading_space = strips_leading_space;
  return card;
}

py::dict info_of(const PyModel& self) {
  const ModelInfo& i = self.model->info();
  const auto text = [](const std::string& s) {
    return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace"));
  };
  py::list labels;
  for (const std::string& label : i.labels) labels.append(text(label));
  return py::dict("architecture"_a = text(i.architecture), "name"_a = text(i.name), "description"_a = text(i.description),
                  "chat_template"_a = text(i.chat_template), "trained_context"_a = i.trained_context,
                  "vocab_size"_a = i.vocab_size, "parameters"_a = i.parameters, "weight_bytes"_a = i.weight_bytes,
                  "device"_a = text(i.device), "labels"_a = labels);
}

py::dict capabilities_of(const PyModel& self) {
  const Capabilities& c = self.model->capabilities();
  const char* sharing = c.sharing == PrefixSharing::kAlias  ? "alias"
                        : c.sharing == PrefixSharing::kCopy ? "copy"
                                                            : "none";
  return py::dict("sharing"_a = sharing, "slots"_a = c.slots, "capacity_tokens"_a = c.capacity_tokens,
                  "context_tokens"_a = c.context_tokens, "batch_rows"_a = c.batch_rows, "kv_bytes"_a = c.kv_bytes,
                  "embedding_size"_a = c.embedding_size, "classifies"_a = c.classifies, "media_width"_a = c.media_width,
                  "pictures"_a = c.pictures, "sounds"_a = c.sounds,
                  "saved_format"_a = c.saved_format,
                  "adapters"_a = c.adapters);
}

// As ModelReport says it; operators as (name, calls, seconds).
py::dict report_of(const PyModel& self) {
  const ModelReport r = self.model->report();
  py::list operators;
  for (const OperatorTime& one : r.operators) operators.append(py::make_tuple(one.name, one.calls, one.seconds));
  return py::dict("threads"_a = r.threads, "backend_options"_a = r.backend_options, "kv_layout"_a = r.kv_layout, "kv_type"_a = r.kv_type,
                  "flash_attention"_a = r.flash_attention, "kv_layers"_a = r.kv.layers, "kv_heads"_a = r.kv.heads,
                  "key_length"_a = r.kv.key_length, "value_length"_a = r.kv.value_length,
                  "kv_block_values"_a = r.kv_block.values, "kv_block_bytes"_a = r.kv_block.bytes, "kv_cells"_a = r.kv_cells,
                  "compute_bytes"_a = r.compute_bytes, "times_operators"_a = r.times_operators, "operators"_a = operators);
}

void check_id(const Tokenizer& tokenizer, TokenId id) {
  if (id >= 0 && id < tokenizer.vocab_size()) return;
  raise_unless_ok(invalid_argument("tokens", "token id " + std::to_string(id) + " is unknown; ids are 0 to " +
                                                 std::to_string(tokenizer.vocab_size() - 1)));
}

Result<std::vector<TokenId>> encode_segments(const Tokenizer& tokenizer, const std::vector<Segment>& segments, bool add_bos,
                                             bool close) {
  std::vector<TokenId> ids;
  for (const Segment& segment : segments) {
    if (const auto* id = std::get_if<TokenId>(&segment)) {
      ids.push_back(*id);
      continue;
    }
    auto encoded = tokenizer.encode(std::get<std::string>(segment));
    if (!encoded.ok()) return encoded.status();
    ids.insert(ids.end(), encoded.value().begin(), encoded.value().end());
  }
  const bool has_bos = !ids.empty() && ids.front() == tokenizer.bos();
  if (add_bos && tokenizer.adds_bos() && tokenizer.bos() != kNoToken && !has_bos) ids.insert(ids.begin(), tokenizer.bos());
  if (close && tokenizer.closing() != kNoToken) ids.push_back(tokenizer.closing());
  return ids;
}

std::vector<TokenId> encode(const PyModel& self, const std::vector<Segment>& segments, bool add_bos, bool close) {
  const Tokenizer& tokenizer = self.model->tokenizer();
  for (const Segment& segment : segments) {
    if (const auto* id = std::get_if<TokenId>(&segment)) check_id(tokenizer, *id);
  }
  auto ids = [&] {
    py::gil_scoped_release release;
    return encode_segments(tokenizer, segments, add_bos, close);
  }();
  return value_or_raise(std::move(ids));
}

py::str decode(const PyModel& self, const std::vector<TokenId>& ids) {
  const Tokenizer& tokenizer = self.model->tokenizer();
  std::string bytes;
  for (const TokenId id : ids) {
    check_id(tokenizer, id);
    bytes += tokenizer.token_bytes(id);
  }
  std::string_view text = bytes;
  if (tokenizer.strips_leading_space() && text.starts_with(' ')) text.remove_prefix(1);
  return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

py::bytes token_bytes(const PyModel& self, TokenId id) {
  check_id(self.model->tokenizer(), id);
  return py::bytes(self.model->tokenizer().token_bytes(id));
}

py::list special_tokens(const PyModel& self) {
  py::list listed;
  for (const SpecialToken& token : self.model->tokenizer().special_tokens()) {
    auto text = py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(token.text.data(), static_cast<Py_ssize_t>(token.text.size()), "replace"));
    listed.append(py::make_tuple(token.id, text));
  }
  return listed;
}

}  // namespace

void register_model(py::module_& module) {
  module.def("keep_large_blocks_apart", &keep_large_blocks_apart);
  module.def("release_free_memory", &release_free_memory, py::call_guard<py::gil_scoped_release>());
  module.def("backends", &list_backends);
  module.def("usable_cores", [] { return usable_cores(); });
  module.def(
      "bring_library",
      [](const std::string& backend, const std::string& library) {
        const Status status = [&] {
          py::gil_scoped_release release;
          return built_in_backends().bring_library(backend, library);
        }();
        raise_unless_ok(status);
      },
      "backend"_a, "library"_a);
  module.def("backend_of", &backend_of, "path"_a);
  module.def("checked_options", &checked_options, "backend"_a, "declared"_a, "given"_a);
  py::class_<ModelOptions>(module, "ModelOptions")
      .def(py::init<>())
      .def_readwrite("context_tokens", &ModelOptions::context_tokens)
      .def_readwrite("kv_tokens", &ModelOptions::kv_tokens)
      .def_readwrite("slots", &ModelOptions::slots)
      .def_readwrite("batch_rows", &ModelOptions::batch_rows)
      .def_readwrite("threads", &ModelOptions::threads)
      .def_readwrite("gpu_layers", &ModelOptions::gpu_layers)
      .def_readwrite("kv_type", &ModelOptions::kv_type)
      .def_readwrite("flash_attention", &ModelOptions::flash_attention)
      .def_readwrite("kv_layout", &ModelOptions::kv_layout)
      .def_readwrite("deterministic", &ModelOptions::deterministic)
      .def_readwrite("use_mmap", &ModelOptions::use_mmap)
      .def_readwrite("time_operators", &ModelOptions::time_operators)
      .def_readwrite("media_encoder", &ModelOptions::media_encoder)
      .def_readwrite("pooling", &ModelOptions::pooling)
      .def_readwrite("backend_options", &ModelOptions::backend_options);
  py::class_<ModelCard, std::shared_ptr<ModelCard>>(module, "ModelCard")
      .def(py::init(&make_card), py::kw_only(), "architecture"_a, "name"_a, "trained_context"_a, "head_size"_a, "pieces"_a, "special"_a,
           "ends"_a, "bos"_a, "eos"_a, "closing"_a, "adds_bos"_a, "strips_leading_space"_a);
  py::class_<PyModel>(module, "Model")
      .def_static("load", &load, "path"_a, "options"_a, "progress"_a = py::none(), "card"_a = py::none())
      .def_property_readonly("info", &info_of)
      .def_property_readonly("capabilities", &capabilities_of)
      .def_property_readonly("report", &report_of)
      .def("encode_picture", &encode_picture, "width"_a, "height"_a, "rgb"_a)
      .def("encode_sound", &encode_sound, "rate"_a, "channels"_a, "bits"_a, "floating"_a, "samples"_a)
      .def_property_readonly("media_kind", [](PyModel& self) { return self.model->media() ? self.model->media()->kind() : ""; })
      .def("encode", &encode, "segments"_a, "add_bos"_a, "close"_a = false)
      .def("decode", &decode, "token_ids"_a)
      .def("token_bytes", &token_bytes, "token_id"_a)
      .def("special_tokens", &special_tokens)
      .def_property_readonly("bos", [](const PyModel& self) { return self.model->tokenizer().bos(); })
      .def_property_readonly("eos", [](const PyModel& self) { return self.model->tokenizer().eos(); })
      .def_property_readonly("separator", [](const PyModel& self) { return self.model->tokenizer().separator(); })
      .def_property_readonly("infill", [](const PyModel& self) {
        const InfillTokens i = self.model->tokenizer().infill();
        return i.prefix == kNoToken ? py::object(py::none()) : py::make_tuple(i.prefix, i.suffix, i.middle, i.repository, i.file);
      })
      .def_property_readonly("closing", [](const PyModel& self) { return self.model->tokenizer().closing(); });
}

}  // namespace inferno::bindings
