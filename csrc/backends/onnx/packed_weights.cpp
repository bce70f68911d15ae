#include "backends/onnx/packed_weights.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "backends/onnx/onnx_fields.h"
#include "backends/shown.h"

namespace inferno {
namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 30;  // products of two stay in range
constexpr std::size_t kFirstTensor = 1;                       // behind what is multiplied; then scales, zero points, order of groups

}  // namespace

Status PackedWeights::add(const OnnxNode& node, std::string_view domain, const PackedExtents& extents) {
  if (domain != "com.microsoft" || node.type != "MatMulNBits") return {};
  if (extents.k < 1 || extents.n < 1 || extents.k > kMostExtent || extents.n > kMostExtent) {
    return onnx_corrupted("node " + shown(node.name) + " (" + shown(node.type) + ") needs K and N from 1 to " +
                          std::to_string(kMostExtent));
  }
  Product product{static_cast<std::uint64_t>(extents.k) * static_cast<std::uint64_t>(extents.n), {}};
  for (std::size_t i = 0; i < product.tensors.size() && kFirstTensor + i < node.takes.size(); ++i) {
    product.tensors[i] = node.takes[kFirstTensor + i];
  }
  products_.push_back(product);
  return {};
}

void PackedWeights::tell(std::vector<OnnxTensor>& tensors) const {
  std::unordered_map<std::string_view, std::uint64_t> counts;
  for (const Product& product : products_) {
    for (const std::string_view name : product.tensors) counts[name] = 0;
  }
  for (const Product& product : products_) counts[product.tensors.front()] = product.numbers;
  for (OnnxTensor& tensor : tensors) {
    const auto known = counts.find(tensor.name);
    if (known != counts.end() && !tensor.name.empty()) tensor.numbers = known->second;
  }
}

}  // namespace inferno
