// Listing the tensors of files, whichever their format.
#include "backends/model_files.h"

#include <gtest/gtest.h>

#include "backends/gguf_bytes.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

const std::string kOneTensor = R"({"c":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";

TEST(ModelFiles, ListsShardsInOrder) {
  const TestFolder folder("list_shards");
  const auto listed = list_tensors({folder.write("1.safetensors", safetensors_text(kOneTensor, 1)),
                                    folder.write("2.safetensors", safetensors_text(kGoodHeader, kGoodData))});
  ASSERT_TRUE(listed.ok()) << listed.status().message();
  ASSERT_EQ(listed.value().size(), 3U);
  EXPECT_EQ(listed.value()[0].name, "c");
  EXPECT_EQ(listed.value()[0].file, 0U);
  EXPECT_EQ(listed.value()[2].name, "b");
  EXPECT_EQ(listed.value()[2].dtype, "BF16");
  EXPECT_EQ(listed.value()[2].file, 1U);
  EXPECT_EQ(listed.value()[2].offset, 8 + kGoodHeader.size() + 16);
  EXPECT_EQ(listed.value()[2].bytes, 8U);
}

TEST(ModelFiles, ATensorInTwoShardsIsRefused) {
  const TestFolder folder("list_secret");
  const std::string text = safetensors_text(kOneTensor, 1);
  const std::vector<std::string> shards = {folder.write("1.safetensors", text), folder.write("2.safetensors", text)};
  const Status status = list_tensors(shards).status();
  EXPECT_EQ(status.code(), StatusCode::kDataCorrupted);
  EXPECT_EQ(status.message(), "tensor 'c' is in both '1.safetensors' and '2.safetensors'");
}

TEST(ModelFiles, OtherFormatsAreRefused) {
  const TestFolder folder("list_other");
  const Status status = list_tensors({folder.write("notes.txt", "some text of no format")}).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_EQ(status.message(), "'notes.txt' is neither a GGUF nor a SafeTensors file");
  EXPECT_EQ(list_tensors({folder.at("none")}).status().code(), StatusCode::kNotFound);
}

#ifdef INFERNO_WITH_LLAMA

TEST(ModelFiles, ListsAGgufFile) {
  const TestFolder folder("list_gguf");
  const std::vector<std::byte> bytes = GgufBytes().build();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto listed = list_tensors({folder.write("model", text)});
  ASSERT_TRUE(listed.ok()) << listed.status().message();
  ASSERT_EQ(listed.value().size(), 2U);
  EXPECT_EQ(listed.value()[1].name, "second");
  EXPECT_EQ(listed.value()[1].dtype, "q8_0");
  EXPECT_EQ(listed.value()[1].shape, (std::vector<std::uint64_t>{32, 2}));
  EXPECT_EQ(listed.value()[1].bytes, 68U);
  EXPECT_EQ(listed.value()[1].offset + 68, text.size());
  EXPECT_EQ(list_tensors({folder.write("cut", text.substr(0, text.size() - 1))}).status().message().substr(0, 42),
            "'cut' cannot be used: tensor 'second' ends");
}

TEST(ModelFiles, KnowsTheBlocksOfTypes) {
  EXPECT_EQ(type_block("q4_k").value(), 256U);
  EXPECT_EQ(type_block("bf16").value(), 1U);
  EXPECT_EQ(type_block("Q4_K").status().code(), StatusCode::kInvalidArgument);
}

#endif

}  // namespace
}  // namespace inferno::testing
