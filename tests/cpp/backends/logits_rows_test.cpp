// A decoder's graph is edited so that it makes logits of chosen rows: at one place, and only where that is the same.
#include "backends/onnx/logits_rows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backends/onnx/onnx_header.h"
#include "backends/onnx_bytes.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

// hidden = ids + shift; logits = (hidden x w) * scale + bias.
OnnxBytes decoder() {
  OnnxBytes file;
  file.nodes = {onnx_node("Add", {"ids", "shift"}, {"hidden"}), onnx_node("MatMul", {"hidden", "w"}, {"product"}),
                onnx_node("Mul", {"product", "scale"}, {"scaled"}), onnx_node("Add", {"bias", "scaled"}, {"logits"})};
  file.tensors = {onnx_tensor("w", 1, {3, 2}, pb_bytes(9, std::string(24, '\1'))),
                  onnx_tensor("shift", 1, {}, pb_bytes(9, std::string(4, '\1'))),
                  onnx_tensor("scale", 1, {}, pb_bytes(9, std::string(4, '\2'))),
                  onnx_tensor("bias", 1, {1, 1, 2}, pb_bytes(9, std::string(8, '\3')))};
  file.inputs = {onnx_value("ids", 1, {onnx_dim("batch"), onnx_dim("tokens"), onnx_dim(3)})};
  file.outputs = {onnx_value("logits", 1, {onnx_dim("batch"), onnx_dim("tokens"), onnx_dim(2)})};
  return file;
}

std::uint64_t count_of(const OnnxHeader& header, const std::string& type) {
  const auto found = std::find_if(header.operators.begin(), header.operators.end(),
                                  [&](const OnnxOperator& one) { return one.type == type; });
  return found == header.operators.end() ? 0 : found->nodes;
}

TEST(LogitsRows, AnInputSaysWhichRowsAreMultiplied) {
  const std::string file = decoder().build();
  const std::optional<std::string> edited = with_logits_rows(file);
  ASSERT_TRUE(edited);
  const Result<OnnxHeader> header = read_onnx(bytes_of(*edited));
  ASSERT_TRUE(header.ok()) << header.status().message();
  ASSERT_EQ(header.value().inputs.size(), 2U);
  const OnnxValue& rows = header.value().inputs[1];
  EXPECT_EQ(rows.name, kLogitsRows);
  EXPECT_EQ(rows.type, OnnxType::kInt64);
  ASSERT_EQ(rows.shape.size(), 3U);
  EXPECT_EQ(rows.shape[0].extent, 1);
  EXPECT_EQ(rows.shape[1].extent, -1);
  EXPECT_EQ(rows.shape[2].extent, 2);
  EXPECT_EQ(count_of(header.value(), "GatherND"), 1U);
  EXPECT_EQ(count_of(header.value(), "MatMul"), 1U);
  EXPECT_EQ(header.value().tensors.size(), 4U);
  const std::string product = onnx_node("MatMul", {"inferno.logits_hidden", "w"}, {"product"});
  EXPECT_NE(edited->find(product), std::string::npos);
  EXPECT_FALSE(with_logits_rows(*edited)) << "it is one already";
}

TEST(LogitsRows, TiedWeightsAreTurnedAbout) {
  OnnxBytes file = decoder();
  file.nodes[1] = onnx_node("MatMul", {"hidden", "turned"}, {"product"});
  file.nodes.push_back(onnx_node("Transpose", {"w"}, {"turned"}));
  EXPECT_TRUE(with_logits_rows(file.build()));
}

TEST(LogitsRows, AGraphThatWouldNotBeTheSameIsLeftAlone) {
  OnnxBytes file = decoder();
  file.nodes[3] = onnx_node("Softmax", {"scaled"}, {"logits"});
  EXPECT_FALSE(with_logits_rows(file.build())) << "an operator that is not known to work on each row alone";

  file = decoder();
  file.tensors[3] = onnx_tensor("bias", 1, {4, 2}, pb_bytes(9, std::string(32, '\3')));
  EXPECT_FALSE(with_logits_rows(file.build())) << "each row has a bias of its own";

  file = decoder();
  file.nodes[3] = onnx_node("Add", {"hidden", "scaled"}, {"logits"});
  EXPECT_FALSE(with_logits_rows(file.build())) << "rows come in on two ways";

  file = decoder();
  file.nodes[1] = onnx_node("MatMul", {"hidden", "hidden"}, {"product"});
  EXPECT_FALSE(with_logits_rows(file.build())) << "the weights are computed";

  file = decoder();
  file.nodes.push_back(onnx_node("Relu", {"scaled"}, {"more"}));
  EXPECT_FALSE(with_logits_rows(file.build())) << "somebody wants all of the product";

  file = decoder();
  file.opset = pb_bytes(8, pb_bytes(1, "") + pb_number(2, 10));
  EXPECT_FALSE(with_logits_rows(file.build())) << "the opset has no GatherND";

  file = decoder();
  file.inputs.push_back(onnx_value(kLogitsRows, 7, {}));
  EXPECT_FALSE(with_logits_rows(file.build())) << "the name is taken";

  file = decoder();
  file.outputs = {onnx_value("scores", 1, {onnx_dim("batch")})};
  file.nodes[3] = onnx_node("Add", {"bias", "scaled"}, {"scores"});
  EXPECT_FALSE(with_logits_rows(file.build())) << "there are no logits";
}

}  // namespace
}  // namespace inferno::testing
