#include "backends/onnx/ort_api.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "backends/onnx/ort_providers.h"
#include "backends/onnx/ort_runtime.h"
#include "backends/onnx/ort_status.h"

namespace inferno {
namespace {

TEST(OrtApi, WhatIsNoLibraryOrAnotherOneIsRefused) {
  EXPECT_EQ(open_onnxruntime("/nowhere/lib.so").status().message(),
            "the ONNX Runtime library cannot be used: it cannot be opened");
  const Status other = open_onnxruntime("libm.so.6").status();
  EXPECT_EQ(other.code(), StatusCode::kUnsupported);
  EXPECT_NE(other.message().find("OrtGetApiBase"), std::string::npos) << other.message();
}

TEST(OrtApi, TheInstalledLibraryAnswersAtThePositionsThatAreUsed) {
  const char* library = std::getenv("INFERNO_TEST_ONNXRUNTIME");
  if (library == nullptr) GTEST_SKIP() << "INFERNO_TEST_ONNXRUNTIME is not set: name an onnxruntime wheel's library";
  const auto api = open_onnxruntime(library);
  ASSERT_TRUE(api.ok()) << api.status().message();
  EXPECT_EQ(api.value()->version.substr(0, 2), "1.");
  EXPECT_NE(available_providers(*api.value()).find("cpu"), std::string::npos);
}

// A second environment beside one that is ending would be refused by the library.
TEST(OrtRuntime, IsOneForTheWholeProcess) {
  const char* library = std::getenv("INFERNO_TEST_ONNXRUNTIME");
  if (library == nullptr) GTEST_SKIP() << "INFERNO_TEST_ONNXRUNTIME is not set: name an onnxruntime wheel's library";
  ASSERT_TRUE(use_onnxruntime(library).ok());
  const OnnxRuntime* first = start_onnxruntime(1).value().get();
  EXPECT_EQ(start_onnxruntime(2).value().get(), first) << "nobody holds it meanwhile";
}

TEST(OrtStatusText, KeepsWhatIsWrongAndDropsWhereItStands) {
  EXPECT_EQ(without_paths("/onnxruntime_src/onnxruntime/core/graph.cc:12 onnxruntime::Graph::Load() Node (/model/layers.0/MatMul) "
                          "is invalid at 0x7f00\nStacktrace: a b"),
            "Node (/model/layers.0/MatMul) is invalid at");
  EXPECT_EQ(without_paths("Load model from /usr/share/none/model.onnx failed"), "Load model from model.onnx failed");
  EXPECT_EQ(without_paths(std::string(1000, 'a')).size(), 303U);
}

TEST(OrtProviders, AListOfNamesWithOptions) {
  const auto list = parse_providers("CUDAExecutionProvider:device_id=1:gpu_mem_limit=5,cpu");
  ASSERT_TRUE(list.ok()) << list.status().message();
  ASSERT_EQ(list.value().size(), 2U);
  EXPECT_EQ(list.value()[0].name, "cuda");
  EXPECT_EQ(list.value()[0].options[1], (std::pair<std::string, std::string>{"gpu_mem_limit", "5"}));
  EXPECT_EQ(list.value()[1].name, "cpu");
  EXPECT_EQ(parse_providers("").value().front().name, "cpu");
  for (const char* wrong : {",", "cpu,", ",cpu", "cuda:", "cuda:device_id", "cuda:=1"}) {
    const Status refused = parse_providers(wrong).status();
    EXPECT_EQ(refused.param(), "onnx.provider") << wrong;
  }
}

}  // namespace
}  // namespace inferno
