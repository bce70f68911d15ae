// Encoding pictures and sounds, for Python. In order: lists of token ids, and rows. Both release the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

#include "bindings/py_model.h"

namespace inferno::bindings {

pybind11::list encode_picture(PyModel& self, std::int32_t width, std::int32_t height, const pybind11::bytes& rgb);

// `bits` of a sample, which is a whole number or a floating one.
pybind11::list encode_sound(PyModel& self, std::int32_t rate, std::int32_t channels, std::int32_t bits, bool floating,
                            const pybind11::bytes& samples);

}  // namespace inferno::bindings
