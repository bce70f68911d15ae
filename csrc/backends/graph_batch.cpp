#include "backends/graph_batch.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace inferno {

std::int64_t graph_rows(const GraphTensors& tensors) { return tensors.front().shape.front(); }

bool can_join(const GraphTensors& a, const GraphTensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const GraphTensor& x, const GraphTensor& y) {
    return x.name == y.name && x.type == y.type && std::equal(x.shape.begin() + 1, x.shape.end(), y.shape.begin() + 1, y.shape.end());
  });
}

GraphTensors joined(const std::vector<const GraphTensors*>& asks) {
  GraphTensors whole;
  for (std::size_t i = 0; i < asks.front()->size(); ++i) {
    GraphTensor tensor = (*asks.front())[i];
    auto bytes = std::make_shared<std::vector<std::byte>>();
    tensor.texts.clear();
    tensor.shape.front() = 0;
    for (const GraphTensors* ask : asks) {
      const GraphTensor& part = (*ask)[i];
      bytes->insert(bytes->end(), part.bytes.begin(), part.bytes.end());
      tensor.texts.insert(tensor.texts.end(), part.texts.begin(), part.texts.end());
      tensor.shape.front() += part.shape.front();
    }
    tensor.bytes = *bytes;
    tensor.owner = std::move(bytes);
    whole.push_back(std::move(tensor));
  }
  return whole;
}

Result<std::vector<GraphTensors>> parted(const GraphTensors& outputs, const std::vector<std::int64_t>& rows) {
  const std::int64_t all = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
  std::vector<GraphTensors> parts(rows.size());
  for (const GraphTensor& output : outputs) {
    if (output.shape.empty() || output.shape.front() != all) {
      return Status(StatusCode::kInternal, "the graph gave another number of rows than it got");
    }
    const std::size_t row_bytes = all == 0 ? 0 : output.bytes.size() / static_cast<std::size_t>(all);
    const std::size_t row_texts = all == 0 ? 0 : output.texts.size() / static_cast<std::size_t>(all);
    std::size_t first = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto count = static_cast<std::size_t>(rows[i]);
      GraphTensor part{output.name, output.type, output.shape, output.bytes.subspan(first * row_bytes, count * row_bytes), {}, output.owner};
      part.shape.front() = rows[i];
      const auto texts = output.texts.begin() + static_cast<std::ptrdiff_t>(first * row_texts);
      part.texts.assign(texts, texts + static_cast<std::ptrdiff_t>(count * row_texts));
      parts[i].push_back(std::move(part));
      first += count;
    }
  }
  return parts;
}

}  // namespace inferno
