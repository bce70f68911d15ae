// Products of an encoder's graph become ours: which ones, that their weights leave it, and what a session then computes.
#include "backends/onnx/split_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "backends/onnx/onnx_header.h"
#include "backends/onnx/onnx_session.h"
#include "backends/onnx_bytes.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

constexpr std::int64_t kWidth = 40;
constexpr std::int64_t kColumns = 72;

std::string numbers(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::string bytes(count * sizeof(float), '\0');
  for (std::size_t i = 0; i < count; ++i) {
    const float one = normal(random);
    std::memcpy(bytes.data() + i * sizeof(float), &one, sizeof(float));
  }
  return bytes;
}

// y = relu(x * w + b) * v
OnnxBytes encoder() {
  OnnxBytes file;
  file.nodes = {onnx_node("MatMul", {"x", "w"}, {"xw"}), onnx_node("Add", {"xw", "b"}, {"sum"}),
                onnx_node("Relu", {"sum"}, {"hidden"}), onnx_node("MatMul", {"hidden", "v"}, {"y"}, pb_bytes(3, "second"))};
  file.tensors = {onnx_tensor("w", 1, {kWidth, kColumns}, pb_bytes(9, numbers(kWidth * kColumns, 1))),
                  onnx_tensor("b", 1, {kColumns}, pb_bytes(9, numbers(kColumns, 2))),
                  onnx_tensor("v", 1, {kColumns, kWidth}, pb_bytes(9, numbers(kColumns * kWidth, 3)))};
  file.inputs = {onnx_value("x", 1, {onnx_dim("texts"), onnx_dim("tokens"), onnx_dim(kWidth)})};
  file.outputs = {onnx_value("y", 1, {onnx_dim("texts"), onnx_dim("tokens"), onnx_dim(kWidth)})};
  return file;
}

std::uint64_t count_of(const std::string& file, const std::string& type) {
  const Result<OnnxHeader> header = read_onnx(bytes_of(file));
  EXPECT_TRUE(header.ok()) << header.status().message();
  if (!header.ok()) return 0;
  const auto& operators = header.value().operators;
  const auto found = std::find_if(operators.begin(), operators.end(), [&](const OnnxOperator& one) { return one.type == type; });
  return found == operators.end() ? 0 : found->nodes;
}

std::size_t split_in(const OnnxBytes& file) {
  const auto split = with_split_products(file.build());
  return split ? split->weights.size() : 0;
}

TEST(SplitGraph, ProductsWithWeightsBecomeOurs) {
  const std::string file = encoder().build();
  const std::optional<SplitGraph> split = with_split_products(file);
  ASSERT_TRUE(split);
  ASSERT_EQ(split->weights.size(), 2U);
  EXPECT_EQ(split->weights[0].rows, std::size_t{kWidth});
  EXPECT_EQ(split->weights[0].columns, std::size_t{kColumns});
  EXPECT_EQ(split->weights[0].numbers.size(), std::size_t{kWidth * kColumns * 4});
  EXPECT_EQ(count_of(split->file, "MatMul"), 0U);
  EXPECT_EQ(count_of(split->file, "SplitMatMul"), 2U);
  EXPECT_EQ(count_of(split->file, "Add"), 1U);
  EXPECT_EQ(read_onnx(bytes_of(split->file)).value().tensors.size(), 1U) << "the bias alone";
  EXPECT_FALSE(with_split_products(split->file)) << "it is one already";
}

TEST(SplitGraph, LayersMayShareAMatrix) {
  OnnxBytes file = encoder();
  file.nodes.push_back(onnx_node("MatMul", {"x", "w"}, {"again"}));
  const auto split = with_split_products(file.build());
  ASSERT_TRUE(split);
  EXPECT_EQ(split->weights.size(), 2U);
  EXPECT_EQ(count_of(split->file, "SplitMatMul"), 3U);
}

TEST(SplitGraph, MatricesBesideTheFileAreNamed) {
  OnnxBytes file = encoder();
  file.tensors[0] = onnx_tensor("w", 1, {kWidth, kColumns}, onnx_external({{"location", "w.bin"}, {"offset", "64"}}));
  const auto split = with_split_products(file.build());
  ASSERT_TRUE(split);
  ASSERT_TRUE(split->weights[0].external);
  EXPECT_EQ(split->weights[0].external->location, "w.bin");
  EXPECT_EQ(split->weights[0].external->offset, 64U);
  EXPECT_TRUE(split->weights[0].numbers.empty());
}

TEST(SplitGraph, OtherProductsStayAsTheyAre) {
  OnnxBytes file = encoder();
  file.nodes.push_back(onnx_node("Transpose", {"w"}, {"turned"}));
  EXPECT_EQ(split_in(file), 1U) << "something else takes the matrix";

  file = encoder();
  file.outputs.push_back(onnx_value("w", 1, {onnx_dim(kWidth), onnx_dim(kColumns)}));
  EXPECT_EQ(split_in(file), 1U) << "the matrix is an answer";

  file = encoder();
  file.inputs.push_back(onnx_value("v", 1, {onnx_dim(kColumns), onnx_dim(kWidth)}));
  EXPECT_EQ(split_in(file), 1U) << "a caller may give another matrix";

  file = encoder();
  file.tensors[0] = onnx_tensor("w", 11, {kWidth, kColumns}, pb_bytes(9, std::string(kWidth * kColumns * 8, '\1')));
  EXPECT_EQ(split_in(file), 1U) << "F64";

  file = encoder();
  file.tensors[0] = onnx_tensor("w", 1, {1, kWidth, kColumns}, pb_bytes(9, numbers(kWidth * kColumns, 1)));
  EXPECT_EQ(split_in(file), 1U) << "three dimensions";

  file = encoder();
  const std::string branch = pb_bytes(5, pb_bytes(1, "then_branch") + pb_bytes(6, onnx_node("Relu", {"w"}, {"z"})) + pb_number(20, 5));
  file.nodes.push_back(onnx_node("If", {"x"}, {"z"}, branch));
  EXPECT_EQ(split_in(file), 0U) << "a graph within may take anything";

  EXPECT_EQ(split_in(OnnxBytes()), 0U) << "a matrix of 3 x 2";
}

class SplitSession : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* library = std::getenv("INFERNO_TEST_ONNXRUNTIME");
    if (library == nullptr) GTEST_SKIP() << "INFERNO_TEST_ONNXRUNTIME is not set: name an onnxruntime wheel's library";
    if (!SplitMatrix::computable()) GTEST_SKIP() << "this processor has no AMX with BF16, or the system does not give it";
    ASSERT_TRUE(use_onnxruntime(library).ok());
  }
};

std::vector<float> run(const OnnxSession& session, std::vector<float> x, const std::vector<std::int64_t>& shape) {
  const auto input = session.tensor_over(std::as_writable_bytes(std::span(x)), OrtElement::kFloat, shape);
  EXPECT_TRUE(input.ok());
  const char* takes = "x";
  const char* gives = "y";
  const OrtValue* in = input.value().get();
  OrtValue* out = nullptr;
  const Status status = session.run(std::span(&takes, 1), std::span(&in, 1), std::span(&gives, 1), std::span(&out, 1));
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const auto output = session.taken(out);
  EXPECT_EQ(output.value().shape, shape);
  std::vector<float> y(x.size());
  if (!y.empty()) std::memcpy(y.data(), output.value().data, y.size() * sizeof(float));
  return y;
}

TEST_F(SplitSession, ComputesWhatTheGraphDoes) {
  const std::string file = encoder().build();
  const auto split = with_split_products(file);
  ASSERT_TRUE(split);
  const auto plain = OnnxSession::open("x.onnx", {.threads = 3, .providers = "cpu", .spin = false, .instead = file});
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  const auto ours = OnnxSession::open("x.onnx", {.threads = 3, .providers = "cpu", .spin = false, .instead = split->file, .split = split->weights});
  ASSERT_TRUE(ours.ok()) << ours.status().message();
  for (const std::int64_t tokens : {1, 7, 150, 700, 0}) {
    const std::string drawn = numbers(static_cast<std::size_t>(2 * tokens * kWidth), 9);
    std::vector<float> x(drawn.size() / sizeof(float));
    if (!x.empty()) std::memcpy(x.data(), drawn.data(), drawn.size());
    const std::vector<float> a = run(*plain.value(), x, {2, tokens, kWidth});
    const std::vector<float> b = run(*ours.value(), x, {2, tokens, kWidth});
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-3) << tokens << " at " << i;
  }
}

TEST_F(SplitSession, AWeightThatIsNotThereIsRefused) {
  auto split = with_split_products(encoder().build());
  ASSERT_TRUE(split);
  split->weights.pop_back();
  const auto session = OnnxSession::open("x.onnx", {.threads = 1, .providers = "cpu", .spin = false, .instead = split->file, .split = split->weights});
  ASSERT_FALSE(session.ok());
  EXPECT_NE(session.status().message().find("weights are not there"), std::string::npos) << session.status().message();
}

}  // namespace
}  // namespace inferno::testing
