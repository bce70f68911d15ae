#include "backends/onnx/onnx_fields.h"

#include <charconv>

#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::uint64_t kMostTensorBytes = 1ULL << 46;  // 64 TiB: beyond is no tensor, and sums of sizes stay in range

Status wrong_type(std::string_view what) { return onnx_corrupted(std::string(what) + " is of the wrong type in the file"); }

Status add_dim(OnnxTensor& tensor, std::uint64_t extent) {
  if (static_cast<std::int64_t>(extent) < 0) {
    return onnx_corrupted("tensor " + shown(tensor.name) + " has a negative dimension");
  }
  if (tensor.shape.size() == kMostOnnxDimensions) {
    return onnx_corrupted("tensor " + shown(tensor.name) + " has more than " + std::to_string(kMostOnnxDimensions) + " dimensions");
  }
  tensor.shape.push_back(extent);
  return {};
}

// One number, or several packed.
Status add_dims(OnnxTensor& tensor, const ProtobufField& field) {
  if (field.type == WireType::kVarint) return add_dim(tensor, field.value);
  if (field.type != WireType::kBytes) return wrong_type("a tensor's shape");
  ProtobufCursor cursor(field.bytes);
  while (cursor.position() < field.bytes.size()) {
    std::uint64_t extent = 0;
    if (!cursor.read_varint(extent)) return onnx_corrupted("a tensor's shape is cut off or damaged");
    if (Status status = add_dim(tensor, extent); !status.ok()) return status;
  }
  return {};
}

// Names of what an external tensor says beside its location: offset, length; a checksum, which nobody keeps to.
struct External {
  bool used = false;
  std::string_view location;
  std::string_view offset;
  std::string_view length;
};

Status read_external(std::string_view message, External& external) {
  std::string_view key;
  std::string_view value;
  Status status = each_field(message, "an external tensor's place", [&](const ProtobufField& field) {
    if (field.number == 1) return take_name(field, "the key of an external tensor's place", key);
    if (field.number == 2) return take_name(field, "an external tensor's place", value);
    return Status();
  });
  if (!status.ok()) return status;
  if (key == "location") external.location = value;
  if (key == "offset") external.offset = value;
  if (key == "length") external.length = value;
  return {};
}

Status read_decimal(const OnnxTensor& tensor, const char* what, std::string_view text, std::uint64_t& into) {
  if (text.empty()) return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error == std::errc() && end == text.data() + text.size() && into <= kMostTensorBytes) return {};
  return onnx_corrupted("tensor " + shown(tensor.name) + " lies outside the file at " + what + " " + shown(text) +
                        ", which is no number of bytes");
}

Status measure(OnnxTensor& tensor) {
  const std::uint64_t bits = onnx_type_bits(tensor.type);
  if (onnx_type_name(tensor.type).empty()) {
    return onnx_corrupted("tensor " + shown(tensor.name) + " is of the type " +
                          std::to_string(static_cast<std::int32_t>(tensor.type)) + ", which is not known");
  }
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : tensor.shape) {
    if (extent != 0 && elements > kMostTensorBytes / extent) {
      return onnx_corrupted("tensor " + shown(tensor.name) + " claims more than 64 TiB");
    }
    elements *= extent;
  }
  if (bits != 0 && elements > kMostTensorBytes * 8 / bits) {
    return onnx_corrupted("tensor " + shown(tensor.name) + " claims more than 64 TiB");
  }
  tensor.bytes = (elements * bits + 7) / 8;
  return {};
}

Status place_outside(OnnxTensor& tensor, const External& external) {
  if (tensor.type == OnnxType::kString) return onnx_corrupted("tensor " + shown(tensor.name) + " keeps strings outside the file");
  if (external.location.empty()) {
    return onnx_corrupted("tensor " + shown(tensor.name) + " lies outside the file, which does not say where");
  }
  tensor.external = OnnxExternal{std::string(external.location), 0};
  std::uint64_t length = tensor.bytes;
  if (Status status = read_decimal(tensor, "offset", external.offset, tensor.external->offset); !status.ok()) return status;
  if (Status status = read_decimal(tensor, "length", external.length, length); !status.ok()) return status;
  if (length == tensor.bytes) return {};
  return onnx_corrupted("tensor " + shown(tensor.name) + " has " + std::to_string(length) +
                        " bytes outside the file; its shape needs " + std::to_string(tensor.bytes));
}

Status read_dim(std::string_view message, OnnxDim& dim) {
  return each_field(message, "a dimension", [&](const ProtobufField& field) {
    std::string_view symbol;
    if (field.number == 1) {
      if (Status status = take_number(field, "a dimension", dim.extent); !status.ok()) return status;
      return dim.extent >= -1 ? Status() : onnx_corrupted("a dimension is " + std::to_string(dim.extent));
    }
    if (field.number != 2) return Status();
    Status status = take_name(field, "a dimension's name", symbol);
    dim.symbol = symbol;
    return status;
  });
}

Status read_shape(std::string_view message, OnnxValue& value) {
  value.ranked = true;
  return each_field(message, "a shape", [&](const ProtobufField& field) {
    std::string_view dim;
    if (field.number != 1) return Status();
    if (value.shape.size() == kMostOnnxDimensions) {
      return onnx_corrupted("a value has more than " + std::to_string(kMostOnnxDimensions) + " dimensions");
    }
    if (Status status = take_message(field, "a dimension", dim); !status.ok()) return status;
    return read_dim(dim, value.shape.emplace_back());
  });
}

Status read_tensor_type(std::string_view message, OnnxValue& value) {
  return each_field(message, "a tensor's type", [&](const ProtobufField& field) {
    if (field.number == 1) {
      std::int64_t type = 0;
      if (Status status = take_number(field, "an element type", type); !status.ok()) return status;
      value.type = static_cast<OnnxType>(type);
      const bool known = type == static_cast<std::int32_t>(type) && !onnx_type_name(value.type).empty();
      return known ? Status() : onnx_corrupted("a value is of the type " + std::to_string(type) + ", which is not known");
    }
    std::string_view shape;
    if (field.number != 2) return Status();
    if (Status status = take_message(field, "a shape", shape); !status.ok()) return status;
    return read_shape(shape, value);
  });
}

}  // namespace

Status take_message(const ProtobufField& field, std::string_view what, std::string_view& into) {
  if (field.type != WireType::kBytes) return wrong_type(what);
  into = field.bytes;
  return {};
}

Status take_name(const ProtobufField& field, std::string_view what, std::string_view& into) {
  if (field.type != WireType::kBytes) return wrong_type(what);
  if (field.bytes.size() > kMostOnnxNameBytes) {
    return onnx_corrupted(std::string(what) + " has " + std::to_string(field.bytes.size()) + " bytes; the limit is " +
                          std::to_string(kMostOnnxNameBytes));
  }
  into = field.bytes;
  return {};
}

Status take_number(const ProtobufField& field, std::string_view what, std::int64_t& into) {
  if (field.type != WireType::kVarint) return wrong_type(what);
  into = static_cast<std::int64_t>(field.value);
  return {};
}

Status read_onnx_tensor(std::string_view message, OnnxTensor& tensor) {
  External external;
  std::optional<std::size_t> raw;
  Status status = each_field(message, "a tensor", [&](const ProtobufField& field) {
    std::string_view part;
    std::int64_t number = 0;
    Status taken;
    switch (field.number) {
      case 1: return add_dims(tensor, field);
      case 2:
        taken = take_number(field, "a tensor's type", number);
        tensor.type = number == static_cast<std::int32_t>(number) ? static_cast<OnnxType>(number) : OnnxType::kNone;
        return taken;
      case 3: return onnx_corrupted("a tensor comes in segments, which nobody reads");
      case 8:
        taken = take_name(field, "a tensor's name", part);
        tensor.name = part;
        return taken;
      case 9:
        taken = take_message(field, "a tensor's data", part);
        raw = part.size();
        return taken;
      case 13:
        if (taken = take_message(field, "an external tensor's place", part); !taken.ok()) return taken;
        return read_external(part, external);
      case 14:
        taken = take_number(field, "a tensor's data_location", number);
        external.used = number != 0;
        return taken;
      default: return Status();
    }
  });
  if (!status.ok()) return status;
  if (status = measure(tensor); !status.ok()) return status;
  if (external.used) return place_outside(tensor, external);
  if (!raw || *raw == tensor.bytes) return {};
  return onnx_corrupted("tensor " + shown(tensor.name) + " has " + std::to_string(*raw) + " bytes; its shape needs " +
                        std::to_string(tensor.bytes));
}

Status read_onnx_value(std::string_view message, OnnxValue& value, std::string_view& name) {
  Status status = each_field(message, "an input or output", [&](const ProtobufField& field) {
    if (field.number == 1) return take_name(field, "the name of an input or output", name);
    std::string_view type;
    if (field.number != 2) return Status();
    if (Status taken = take_message(field, "a type", type); !taken.ok()) return taken;
    return each_field(type, "a type", [&](const ProtobufField& kind) {
      std::string_view tensor;
      if (kind.number != 1) return Status();
      if (Status taken = take_message(kind, "a tensor's type", tensor); !taken.ok()) return taken;
      return read_tensor_type(tensor, value);
    });
  });
  value.name = name;
  if (status.ok() && name.empty()) return onnx_corrupted("an input or output has no name");
  return status;
}

}  // namespace inferno
