#include "bindings/py_mailbox.h"

#include <pybind11/stl.h>

#include <utility>

namespace inferno::bindings {
namespace {

// (request, index, text, tokens, rest). Plain tuples, since this runs for every token of every stream: `rest`, an
// OutputDelta, is there only when the delta has more to say than text and tokens.
py::tuple crossing(OutputDelta&& delta) {
  py::tuple tokens(delta.tokens.size());
  for (std::size_t i = 0; i < delta.tokens.size(); ++i) tokens[i] = delta.tokens[i];
  py::tuple crossed = py::make_tuple(static_cast<std::uint64_t>(delta.request), delta.index, delta.text, std::move(tokens), py::none());
  if (!delta.plain()) crossed[4] = py::cast(std::move(delta));
  return crossed;
}

}  // namespace

void PyMailbox::frame(std::uint64_t request, std::int32_t index, std::shared_ptr<TextFrame> frame, py::object write) {
  writes_[request].insert_or_assign(index, std::move(write));
  box_->frame(RequestId{request}, index, std::move(frame));
}

void PyMailbox::unframe(std::uint64_t request) {
  box_->unframe(RequestId{request});
  writes_.erase(request);
}

py::object PyMailbox::write(const FramedEvent& event) const {
  // Looked for each time, and held: any Python may run between two events and within one, and end in unframe(). Whoever
  // does that while events are on their way wants none.
  const auto request = writes_.find(static_cast<std::uint64_t>(event.request));
  if (request == writes_.end()) return py::none();
  const py::object write = request->second.at(event.index);
  const py::bytes bytes(event.event);
  const auto more = py::reinterpret_steal<py::object>(PyObject_CallOneArg(write.ptr(), bytes.ptr()));
  if (more.is(py::bool_(true))) return py::none();
  py::object raised = py::none();
  if (!more) {
    const py::error_already_set error;
    raised = error.value();
  }
  return py::make_tuple(static_cast<std::uint64_t>(event.request), std::move(raised));
}

py::tuple PyMailbox::take() {
  MailTaken taken = box_->take();
  py::list full;
  for (const FramedEvent& event : taken.events) {
    if (py::object told = write(event); !told.is_none()) full.append(std::move(told));
  }
  py::list deltas(taken.deltas.size());
  for (std::size_t i = 0; i < taken.deltas.size(); ++i) deltas[i] = crossing(std::move(taken.deltas[i]));
  return py::make_tuple(std::move(full), std::move(deltas));
}

}  // namespace inferno::bindings
