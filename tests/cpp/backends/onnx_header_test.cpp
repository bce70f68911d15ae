// What an ONNX file says is read; each way it can be wrong has its own sentence.
#include "backends/onnx/onnx_header.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "backends/onnx_bytes.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

Result<OnnxHeader> read(const std::string& file) { return read_onnx(bytes_of(file)); }

TEST(OnnxHeader, SaysWhatTheFileIs) {
  const Result<OnnxHeader> read_header = read(OnnxBytes().build());
  ASSERT_TRUE(read_header.ok()) << read_header.status().message();
  const OnnxHeader& header = read_header.value();
  EXPECT_EQ(header.ir_version, 8);
  EXPECT_EQ(header.producer, "by hand");
  ASSERT_EQ(header.opsets.size(), 1U);
  EXPECT_EQ(header.opsets[0].version, 17);
  ASSERT_EQ(header.inputs.size(), 1U);
  EXPECT_EQ(header.inputs[0].name, "x");
  EXPECT_EQ(header.inputs[0].type, OnnxType::kFloat);
  ASSERT_EQ(header.inputs[0].shape.size(), 2U);
  EXPECT_EQ(header.inputs[0].shape[0].extent, -1);
  EXPECT_EQ(header.inputs[0].shape[0].symbol, "batch");
  EXPECT_EQ(header.inputs[0].shape[1].extent, 3);
  ASSERT_EQ(header.outputs.size(), 1U);
  EXPECT_EQ(header.outputs[0].name, "y");
  ASSERT_EQ(header.operators.size(), 2U);
  EXPECT_EQ(header.operators[0].type, "Add");
  EXPECT_EQ(header.operators[1].type, "MatMul");
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].bytes, 24U);
  EXPECT_FALSE(header.tensors[0].external);
}

TEST(OnnxHeader, InitialValuesThatAreInputsTooNeedNotBeGiven) {
  OnnxBytes file;
  file.inputs.push_back(onnx_value("w", 1, {onnx_dim(3), onnx_dim(2)}));
  const Result<OnnxHeader> header = read(file.build());
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header.value().inputs.size(), 1U);
}

TEST(OnnxHeader, ShapesMayBePackedAndNodesOutOfOrder) {
  OnnxBytes file;
  std::swap(file.nodes[0], file.nodes[1]);
  file.tensors[1] = pb_bytes(1, pb_varint(2)) + pb_number(2, 1) + pb_bytes(8, "b") + pb_bytes(9, std::string(8, '\0'));
  EXPECT_TRUE(read(file.build()).ok());
}

// A node whose attribute is a graph that gives `gives` of what it `takes`.
std::string with_subgraph(const Names& takes, const std::string& gives) {
  const std::string body = pb_bytes(1, onnx_node("Relu", takes, {gives})) + pb_bytes(12, onnx_value(gives, 1, {}));
  return onnx_node("If", {"x"}, {"chosen"}, pb_bytes(5, pb_bytes(1, "then_branch") + pb_bytes(6, body)));
}

TEST(OnnxHeader, SubgraphsTakeFromOutside) {
  OnnxBytes file;
  file.nodes.push_back(with_subgraph({"xw"}, "inner"));
  const Result<OnnxHeader> header = read(file.build());
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header.value().operators.size(), 4U);
}

TEST(OnnxHeader, TensorsOutsideTheFileAreNamed) {
  OnnxBytes file;
  file.tensors[0] = onnx_tensor("w", 1, {3, 2}, onnx_external({{"location", "w.bin"}, {"offset", "4096"}, {"length", "24"}}));
  const Result<OnnxHeader> header = read(file.build());
  ASSERT_TRUE(header.ok()) << header.status().message();
  ASSERT_TRUE(header.value().tensors[0].external);
  EXPECT_EQ(header.value().tensors[0].external->location, "w.bin");
  EXPECT_EQ(header.value().tensors[0].external->offset, 4096U);
}

// A product of weights of few bits, with what the model builder says of it.
std::string few_bits(const std::vector<std::pair<std::string, std::uint64_t>>& numbers) {
  std::string more = pb_bytes(7, "com.microsoft");
  for (const auto& [name, number] : numbers) more += pb_bytes(5, pb_bytes(1, name) + pb_number(3, number) + pb_number(20, 2));
  return onnx_node("MatMulNBits", {"x", "w", "b"}, {"z"}, more);
}

TEST(OnnxHeader, WeightsOfFewBitsAreCountedByTheNodeThatTakesThem) {
  OnnxBytes file;
  file.nodes = {few_bits({{"K", 3}, {"N", 14}, {"bits", 4}}), onnx_node("Add", {"z", "c"}, {"y"})};
  file.tensors.push_back(onnx_tensor("c", 1, {2}, pb_bytes(9, std::string(8, '\3'))));
  const Result<OnnxHeader> header = read(file.build());
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header.value().tensors[0].numbers, 42U);
  EXPECT_EQ(header.value().tensors[1].numbers, 0U) << "scales";
  EXPECT_EQ(header.value().tensors[2].numbers, std::nullopt);
}

struct Fault {
  std::string name;
  std::string message;
  std::function<void(OnnxBytes&)> damage;
};

std::vector<Fault> version_faults() {
  return {
      {"no_ir", "the file does not begin as an ONNX model does", [](OnnxBytes& f) { f.ir = ""; }},
      {"old_ir", "the file is of ONNX's IR version 2; versions 3 to 14 can be read",
       [](OnnxBytes& f) { f.ir = pb_number(1, 2); }},
      {"new_ir", "the file is of ONNX's IR version 15; versions 3 to 14 can be read",
       [](OnnxBytes& f) { f.ir = pb_number(1, 15); }},
      {"old_opset", "the file is of ONNX's opset 6; versions 7 to 28 can be read",
       [](OnnxBytes& f) { f.opset = pb_bytes(8, pb_number(2, 6)); }},
      {"new_opset", "the file is of ONNX's opset 99; versions 7 to 28 can be read",
       [](OnnxBytes& f) { f.opset = pb_bytes(8, pb_number(2, 99)); }},
      {"no_opset", "the file does not say which opset its operators are of",
       [](OnnxBytes& f) { f.opset = pb_bytes(8, pb_bytes(1, "com.other") + pb_number(2, 1)); }},
      {"opset_twice", "the opset of '' is named twice", [](OnnxBytes& f) { f.opset += f.opset; }},
  };
}

std::vector<Fault> graph_faults() {
  return {
      {"cycle", "the graph has a cycle: node 'n_Relu' ('Relu') waits for a result of its own",
       [](OnnxBytes& f) { f.nodes = {onnx_node("Relu", {"z"}, {"y"}), onnx_node("Relu", {"y"}, {"z"})}; }},
      {"own_result", "the graph has a cycle: node 'n_Relu' ('Relu') waits for a result of its own",
       [](OnnxBytes& f) { f.nodes.push_back(onnx_node("Relu", {"z"}, {"z"})); }},
      {"cycle_through_subgraph", "the graph has a cycle: node 'n_If' ('If') waits for a result of its own",
       [](OnnxBytes& f) { f.nodes.push_back(with_subgraph({"chosen"}, "inner")); }},
      {"nothing_gives", "node 'n_Add' ('Add') takes 'c', which nothing gives",
       [](OnnxBytes& f) { f.nodes[1] = onnx_node("Add", {"xw", "c"}, {"y"}); }},
      {"subgraph_of_nothing", "node 'n_If' ('If') takes 'c', which nothing gives",
       [](OnnxBytes& f) { f.nodes.push_back(with_subgraph({"c"}, "inner")); }},
      {"output_of_nothing", "the graph's output 'q' is given by nothing",
       [](OnnxBytes& f) { f.outputs.push_back(onnx_value("q", 1, {})); }},
      {"given_twice", "the value 'xw' is given twice, the second time by node 'n_Relu' ('Relu')",
       [](OnnxBytes& f) { f.nodes.push_back(onnx_node("Relu", {"x"}, {"xw"})); }},
      {"input_given", "the value 'x' is given twice, the second time by node 'n_Relu' ('Relu')",
       [](OnnxBytes& f) { f.nodes.push_back(onnx_node("Relu", {"y"}, {"x"})); }},
      {"input_twice", "the graph has the input 'x' twice", [](OnnxBytes& f) { f.inputs.push_back(f.inputs[0]); }},
      {"no_output", "the graph has no output", [](OnnxBytes& f) { f.outputs.clear(); }},
      {"no_operator", "a node does not say which operator it is", [](OnnxBytes& f) { f.nodes.push_back(pb_bytes(1, "x")); }},
      {"nameless_input", "an input or output has no name", [](OnnxBytes& f) { f.inputs.push_back(pb_bytes(2, "")); }},
      {"unknown_type", "a value is of the type 77, which is not known",
       [](OnnxBytes& f) { f.inputs[0] = onnx_value("x", 77, {}); }},
      {"negative_extent", "a dimension is -5", [](OnnxBytes& f) { f.inputs[0] = onnx_value("x", 1, {onnx_dim(-5)}); }},
      {"no_extents", "node 'n_MatMulNBits' ('MatMulNBits') needs K and N from 1 to 1073741824",
       [](OnnxBytes& f) { f.nodes[0] = few_bits({{"K", 3}}); }},
      {"absurd_extents", "node 'n_MatMulNBits' ('MatMulNBits') needs K and N from 1 to 1073741824",
       [](OnnxBytes& f) { f.nodes[0] = few_bits({{"K", 3}, {"N", 1ULL << 40}}); }},
      {"sparse", "the graph has sparse tensors, which are not read",
       [](OnnxBytes& f) { f.more_graph = pb_bytes(15, ""); }},
  };
}

std::vector<Fault> tensor_faults() {
  const auto replaced = [](std::string tensor) { return [tensor](OnnxBytes& f) { f.tensors[0] = tensor; }; };
  const auto outside = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    return replaced(onnx_tensor("w", 1, {3, 2}, onnx_external(entries)));
  };
  return {
      {"too_few_bytes", "tensor 'w' has 20 bytes; its shape needs 24",
       replaced(onnx_tensor("w", 1, {3, 2}, pb_bytes(9, std::string(20, '\0'))))},
      {"negative_shape", "tensor '' has a negative dimension", replaced(onnx_tensor("w", 1, {-3}, ""))},
      {"absurd_shape", "tensor 'w' claims more than 64 TiB", replaced(onnx_tensor("w", 1, {1LL << 40, 1LL << 40}, ""))},
      {"absurd_type_times_shape", "tensor 'w' claims more than 64 TiB", replaced(onnx_tensor("w", 11, {1LL << 46}, ""))},
      {"unknown_tensor_type", "tensor 'w' is of the type 99, which is not known", replaced(onnx_tensor("w", 99, {1}, ""))},
      {"segments", "a tensor comes in segments, which nobody reads", replaced(onnx_tensor("w", 1, {1}, pb_bytes(3, "")))},
      {"nameless_tensor", "an initial value has no name", replaced(onnx_tensor("", 1, {0}, ""))},
      {"tensor_twice", "the initial value 'w' is there twice", [](OnnxBytes& f) { f.tensors.push_back(f.tensors[0]); }},
      {"nowhere", "tensor 'w' lies outside the file, which does not say where", outside({{"offset", "0"}})},
      {"offset_in_words", "tensor 'w' lies outside the file at offset 'ten', which is no number of bytes",
       outside({{"location", "w.bin"}, {"offset", "ten"}})},
      {"offset_wraps", "tensor 'w' lies outside the file at offset '18446744073709551615', which is no number of bytes",
       outside({{"location", "w.bin"}, {"offset", "18446744073709551615"}})},
      {"other_length", "tensor 'w' has 23 bytes outside the file; its shape needs 24",
       outside({{"location", "w.bin"}, {"length", "23"}})},
      {"strings_outside", "tensor 'w' keeps strings outside the file",
       replaced(onnx_tensor("w", 8, {1}, onnx_external({{"location", "w.bin"}})))},
  };
}

TEST(OnnxHeader, EveryFaultHasItsSentence) {
  std::set<std::string> names;
  for (const auto& faults : {version_faults(), graph_faults(), tensor_faults()}) {
    for (const Fault& fault : faults) {
      OnnxBytes file;
      fault.damage(file);
      const Status status = read(file.build()).status();
      EXPECT_FALSE(status.ok()) << fault.name;
      EXPECT_EQ(status.message(), fault.message) << fault.name;
      EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
    }
  }
}

TEST(OnnxHeader, GraphsWithinGraphsEnd) {
  std::string graph = pb_bytes(1, onnx_node("Relu", {"x"}, {"deep"}));
  for (int i = 0; i < 40; ++i) graph = pb_bytes(1, onnx_node("If", {}, {}, pb_bytes(5, pb_bytes(6, graph))));
  OnnxBytes file;
  file.more_graph = graph;
  EXPECT_EQ(read(file.build()).status().message(), "graphs stand within graphs more than 16 deep");
}

TEST(OnnxHeader, EveryTruncationIsRefused) {
  const std::string whole = OnnxBytes().build();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(read(whole.substr(0, length)).ok()) << "at " << length;
  }
}

TEST(OnnxHeader, OtherFilesAreNoOnnx) {
  const auto begins = [](const std::string& text) { return begins_as_onnx(bytes_of(text)); };
  EXPECT_TRUE(begins(OnnxBytes().build()));
  for (const std::string& other : {std::string(), std::string("a text"), std::string("GGUF\3\0\0\0", 8), std::string(64, '\0'),
                                   std::string("{}"), std::string("\x08"), std::string("\x08\x08zz")}) {
    EXPECT_FALSE(begins(other)) << other;
    EXPECT_EQ(read(other).status().code(), StatusCode::kUnsupported);
  }
}

}  // namespace
}  // namespace inferno::testing
