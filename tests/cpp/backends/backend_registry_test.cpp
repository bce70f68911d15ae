#include "backends/backend_registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "backends/onnx_bytes.h"

namespace inferno {
namespace {

class BackendRegistry : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  // Errors reach clients: they name the file and never its folder.
  Status refusal(const std::string& path) const {
    const Status status = load_model(path, {}).status();
    EXPECT_EQ(status.message().find(folder_.string()), std::string::npos) << status.message();
    return status;
  }

  const std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) /
                                        ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(BackendRegistry, ListsWhatIsBuilt) {
  const std::vector<BackendInfo> all = built_in_backends().list();
  const auto find = [&](const std::string& name) {
    return std::find_if(all.begin(), all.end(), [&](const BackendInfo& info) { return info.name == name; });
  };
  ASSERT_NE(find("fake"), all.end());
  ASSERT_NE(find("onnx"), all.end());
  ASSERT_EQ(find("onnx")->options.size(), 2U);
  EXPECT_EQ(find("onnx")->options[0].name, "provider");
  EXPECT_EQ(find("onnx")->options[1].name, "products");
#ifdef INFERNO_WITH_LLAMA
  ASSERT_NE(find("llama"), all.end());
  EXPECT_NE(find("llama")->version.find("commit"), std::string::npos);
  EXPECT_FALSE(find("llama")->devices.empty());
#endif
}

TEST_F(BackendRegistry, TellsWhatItCannotOpen) {
  EXPECT_EQ(refusal((folder_ / "none.gguf").string()).code(), StatusCode::kNotFound);
  EXPECT_EQ(refusal(folder_.string()).code(), StatusCode::kUnsupported);
  const Status other = refusal(file("model.gguf", "PK\x03\x04 whatever"));
  EXPECT_EQ(other.code(), StatusCode::kUnsupported);
  const std::string says = "'model.gguf' does not begin like a model file; this build opens ";
#ifdef INFERNO_WITH_LLAMA
  EXPECT_EQ(other.message(), says + "GGUF files, ONNX models");
#else
  EXPECT_EQ(other.message(), says + "ONNX models");
#endif
  EXPECT_EQ(refusal(file("empty.bin", "")).code(), StatusCode::kUnsupported);
  EXPECT_EQ(refusal(file("short.bin", "GG")).code(), StatusCode::kUnsupported);
}

TEST_F(BackendRegistry, ChoosesByContentNotByName) {
  const Status status = refusal(file("weights.bin", "GGUF and then nothing of it"));
#ifdef INFERNO_WITH_LLAMA
  EXPECT_EQ(status.code(), StatusCode::kDataCorrupted);
#else
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
#endif
}

TEST_F(BackendRegistry, AnOnnxFileIsKnownUnderAnyName) {
  const Status whole = refusal(file("foo.gguf", testing::OnnxBytes().build()));
  EXPECT_EQ(whole.message(), "'foo.gguf' is an ONNX model (graph): tensors go in and come out, and no text");
  testing::OnnxBytes cyclic;
  cyclic.nodes = {testing::onnx_node("Relu", {"z"}, {"y"}), testing::onnx_node("Relu", {"y"}, {"z"})};
  EXPECT_EQ(refusal(file("foo.gguf", cyclic.build())).code(), StatusCode::kDataCorrupted);
#ifdef INFERNO_WITH_LLAMA
  EXPECT_EQ(refusal(file("foo.onnx", "GGUF and then nothing of it")).code(), StatusCode::kDataCorrupted);
#endif
}

TEST_F(BackendRegistry, TheTestModelNeedsNoFile) { EXPECT_TRUE(load_model("fake:", {}).ok()); }

}  // namespace
}  // namespace inferno
