// An ONNX file with what lies beside it, and what kind of graph it is.
#include "backends/onnx/onnx_file.h"

#include <gtest/gtest.h>

#include "backends/onnx/onnx_kind.h"
#include "backends/onnx_bytes.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

std::string file_with(const std::string& location, const std::string& offset = "8") {
  OnnxBytes file;
  file.tensors[0] = onnx_tensor("w", 1, {3, 2}, onnx_external({{"location", location}, {"offset", offset}}));
  return file.build();
}

TEST(OnnxFile, ExternalTensorsMustBeThereAndLongEnough) {
  const TestFolder folder("onnx_external");
  const std::string model = folder.write("m.onnx", file_with("w.bin"));
  EXPECT_EQ(open_onnx(model).status().message(),
            "'m.onnx' cannot be used: there is no file 'w.bin' beside it, which holds tensors of it");
  folder.write("w.bin", std::string(31, 'x'));
  EXPECT_EQ(open_onnx(model).status().message(),
            "'m.onnx' cannot be used: the file 'w.bin' has 31 bytes; tensor 'w' needs 24 from byte 8 on");
  folder.write("w.bin", std::string(32, 'x'));
  EXPECT_TRUE(open_onnx(model).ok());
}

TEST(OnnxFile, NoLocationLeavesTheFolder) {
  const TestFolder folder("onnx_outside");
  folder.write("w.bin", std::string(64, 'x'));
  for (const std::string& location : {folder.at("w.bin"), std::string("../w.bin"), std::string("a/../../w.bin"),
                                      std::string("a\\w.bin"), std::string("C:w.bin"), std::string("/etc/passwd"),
                                      std::string("w.bin\0x", 7), std::string("w/")}) {
    const Status status = open_onnx(folder.write("m.onnx", file_with(location))).status();
    EXPECT_EQ(status.code(), StatusCode::kDataCorrupted) << location;
    EXPECT_NE(status.message().find("leads out of the model's folder"), std::string::npos) << status.message();
  }
}

TEST(OnnxFile, NoLinkLeavesTheFolderButWhereTheModelItselfIsOne) {
  const TestFolder outside("onnx_blobs");
  const TestFolder folder("onnx_links");
  outside.write("w", std::string(64, 'x'));
  std::filesystem::create_symlink(outside.at("w"), folder.at("w.bin"));
  EXPECT_EQ(open_onnx(folder.write("m.onnx", file_with("w.bin"))).status().code(), StatusCode::kDataCorrupted);
  std::filesystem::remove(folder.at("m.onnx"));
  std::filesystem::create_symlink(outside.write("m", file_with("w.bin")), folder.at("m.onnx"));
  EXPECT_TRUE(open_onnx(folder.at("m.onnx")).ok());
}

TEST(OnnxFile, WhatIsNoneIsRefused) {
  const TestFolder folder("onnx_none");
  EXPECT_EQ(open_onnx(folder.at("absent")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(open_onnx(folder.write("empty.onnx", "")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(open_onnx(folder.write("text.onnx", "hello")).status().message(),
            "'text.onnx' cannot be used: the file does not begin as an ONNX model does");
  folder.write("nothing.onnx", "");
  std::filesystem::resize_file(folder.at("nothing.onnx"), 2'147'483'648ULL);  // 2 GiB of nothing, on no disk
  EXPECT_EQ(open_onnx(folder.at("nothing.onnx")).status().code(), StatusCode::kUnsupported);
}

OnnxHeader text_graph(const std::vector<OnnxValue>& outputs, const std::string& beside = "attention_mask") {
  OnnxHeader header;
  for (const std::string& name : {std::string("input_ids"), beside}) {
    header.inputs.push_back({name, OnnxType::kInt64, true, {{-1, "batch"}, {-1, "tokens"}}});
  }
  header.outputs = outputs;
  return header;
}

OnnxValue floats(const std::string& name, std::size_t dimensions) {
  return {name, OnnxType::kFloat, true, std::vector<OnnxDim>(dimensions)};
}

TEST(OnnxKind, IsToldByWhatTheGraphTakesAndGives) {
  EXPECT_EQ(onnx_kind(text_graph({floats("logits", 3)})), OnnxKind::kDecoder);
  EXPECT_EQ(onnx_kind(text_graph({floats("logits", 3)}, "past_key_values.0.key")), OnnxKind::kDecoder);
  EXPECT_EQ(onnx_kind(text_graph({floats("last_hidden_state", 3)})), OnnxKind::kEncoder);
  EXPECT_EQ(onnx_kind(text_graph({floats("sentence_embedding", 2)})), OnnxKind::kEncoder);
  EXPECT_EQ(onnx_kind(text_graph({floats("logits", 2)}, "token_type_ids")), OnnxKind::kClassifier);
  EXPECT_EQ(onnx_kind(text_graph({floats("last_hidden_state", 3)}, "pixel_values")), OnnxKind::kGraph);
  EXPECT_EQ(onnx_kind(text_graph({floats("labels", 1)})), OnnxKind::kGraph);
  EXPECT_EQ(onnx_kind(OnnxHeader()), OnnxKind::kGraph);
}

}  // namespace
}  // namespace inferno::testing
