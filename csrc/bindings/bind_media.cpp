// What stands for pictures and sounds in a prompt.
#include "bindings/py_media.h"

#include <pybind11/stl.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bindings/register.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

// In order: lists of token ids, and rows.
py::list listed(Result<std::vector<MediaPiece>> encoded) {
  py::list pieces;
  for (MediaPiece& piece : value_or_raise(std::move(encoded))) {
    if (auto* rows = std::get_if<MediaRowsPtr>(&piece)) {
      pieces.append(std::const_pointer_cast<MediaRows>(*rows));  // pybind11 has no holder of const; nothing of it can be set
    } else {
      pieces.append(py::cast(std::get<std::vector<TokenId>>(piece)));
    }
  }
  return pieces;
}

MediaEncoder& encoder_of(PyModel& self) {
  MediaEncoder* encoder = self.model->media();
  if (encoder == nullptr) raise_unless_ok(Status(StatusCode::kUnsupported, "this model takes text alone", "mmproj"));
  return *encoder;
}

std::span<const std::uint8_t> bytes_of(const py::bytes& given) {
  const auto view = static_cast<std::string_view>(given);
  return {reinterpret_cast<const std::uint8_t*>(view.data()), view.size()};
}

Result<SampleForm> form_of(std::int32_t bits, bool floating) {
  if (floating && bits == 32) return SampleForm::kFloat32;
  if (!floating && bits == 16) return SampleForm::kInt16;
  if (!floating && bits == 24) return SampleForm::kInt24;
  if (!floating && bits == 32) return SampleForm::kInt32;
  return invalid_argument("audio", std::string("the sound's samples are ") + (floating ? "floating" : "whole") + " numbers of " +
                                       std::to_string(bits) + " bits; they may be whole ones of 16, 24 or 32, or floating ones of 32");
}

}  // namespace

py::list encode_picture(PyModel& self, std::int32_t width, std::int32_t height, const py::bytes& rgb) {
  MediaEncoder& encoder = encoder_of(self);
  const Picture picture{width, height, bytes_of(rgb)};
  return listed([&] {
    py::gil_scoped_release release;
    return encoder.encode(picture);
  }());
}

py::list encode_sound(PyModel& self, std::int32_t rate, std::int32_t channels, std::int32_t bits, bool floating, const py::bytes& samples) {
  MediaEncoder& encoder = encoder_of(self);
  const Sound sound{rate, channels, value_or_raise(form_of(bits, floating)), bytes_of(samples)};
  return listed([&] {
    py::gil_scoped_release release;
    return encoder.encode(sound);
  }());
}

void register_media(py::module_& module) {
  py::class_<MediaRows, std::shared_ptr<MediaRows>>(module, "MediaRows")
      .def_readonly("id", &MediaRows::id)
      .def_readonly("count", &MediaRows::count)
      .def_property_readonly("nbytes", [](const MediaRows& rows) { return rows.values.size() * sizeof(float); });
}

}  // namespace inferno::bindings
