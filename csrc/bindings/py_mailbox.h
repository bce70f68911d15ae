// PyMailbox: the engine's mailbox as Python empties it. An event goes from here to whoever wants it in one call: thousands
// a second do, and a list of them that Python goes through costs more than writing them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "output/delta_mailbox.h"
#include "output/text_frame.h"

namespace inferno::bindings {

namespace py = pybind11;

// All of it with the GIL held.
class PyMailbox final {
 public:
  explicit PyMailbox(std::shared_ptr<DeltaMailbox> box) : box_(std::move(box)) {}

  // As DeltaMailbox::frame. Events go to `write`, a callable that takes bytes and says whether it wants more.
  void frame(std::uint64_t request, std::int32_t index, std::shared_ptr<TextFrame> frame, py::object write);
  void unframe(std::uint64_t request);

  // Writes all events. Returns the requests whose `write` wanted no more, each with the exception that it raised, or None,
  // and the deltas.
  py::tuple take();

 private:
  using Choices = std::unordered_map<std::int32_t, py::object>;

  // None where it wants more; else what take() tells of it.
  py::object write(const FramedEvent& event) const;

  const std::shared_ptr<DeltaMailbox> box_;
  std::unordered_map<std::uint64_t, Choices> writes_;
};

}  // namespace inferno::bindings
