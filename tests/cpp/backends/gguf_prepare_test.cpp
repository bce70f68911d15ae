// Weights carried from SafeTensors into a GGUF file: what arrives is what the plan says, or nothing is left behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "backends/prepared_file.h"

namespace inferno::testing {
namespace {

TEST_F(PreparedFile, CopiesConvertsAndPicksRows) {
  order_.tensors = {
      {"same", "f32", {32, 4}, {{"f32", false, {}}}, 0, {}},
      {"same16", "bf16", {32, 4}, {{"bf16", false, {}}}, 0, {}},
      {"widened", "f32", {32, 4}, {{"bf16", false, {}}}, 0, {}},
      {"picked", "f32", {32, 3}, {{"f32", false, {3, 0, 3}}}, 0, {}},
      {"stacked", "f32", {32, 2, 3}, {{"f32", false, {}}, {"bf16", false, {1, 2}}}, 0, {}},
      {"added", "f32", {32}, {{"f32", false, {1}}}, 1.5, {}},
      {"given", "f32", {3}, {}, 0, {1, 2, 3}},
  };
  order_.threads = 3;
  const Result<PreparedStats> stats = prepare();
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  EXPECT_EQ(stats.value().tensors, 7U);
  EXPECT_EQ(stats.value().bytes, std::filesystem::file_size(order_.out_path));
  EXPECT_EQ(stats.value().copied_bytes, 512U + 256 + 384 + 512);

  auto made = contents();
  const std::vector<float> same = floats(made["same"]);
  ASSERT_EQ(same.size(), 128U);
  EXPECT_EQ(same[2 * 32 + 5], 205);
  EXPECT_EQ(floats(made["picked"])[31], 331);
  EXPECT_EQ(floats(made["picked"])[32], 0);
  EXPECT_EQ(floats(made["widened"])[32], 100);
  EXPECT_EQ(floats(made["stacked"])[4 * 32], 100);
  EXPECT_EQ(floats(made["added"])[2], 103.5);
  EXPECT_EQ(floats(made["given"]), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(made["same16"].size(), 256U);
}

TEST_F(PreparedFile, TransposesMatricesAndEachOfAStack) {
  std::vector<float> stack(2 * 3 * 5);
  for (std::size_t i = 0; i < stack.size(); ++i) stack[i] = static_cast<float>(i);
  shard_ = folder_.write("stack.safetensors", shard_text({{"w", "F32", {2, 3, 5}, raw_bytes(stack)}}));
  order_.tensors = {{"all", "f32", {3, 5, 2}, {{"w", true, {}}}, 0, {}},
                    {"some", "bf16", {3, 2}, {{"w", true, {6, 0}}}, 0, {}}};
  ASSERT_TRUE(prepare().ok()) << prepare().status().message();
  const std::vector<float> all = floats(contents()["all"]);
  for (std::size_t matrix = 0; matrix < 2; ++matrix) {
    for (std::size_t row = 0; row < 5; ++row) {
      for (std::size_t column = 0; column < 3; ++column) {
        EXPECT_EQ(all[(matrix * 5 + row) * 3 + column], stack[(matrix * 3 + column) * 5 + row]);
      }
    }
  }
  EXPECT_EQ(contents()["some"], std::string("\x80\x41\xA8\x41\xD0\x41\0\0\xA0\x40\x20\x41", 12));  // 16 21 26, 0 5 10
}

TEST_F(PreparedFile, QuantizesManyRowsOnManyThreads) {
  constexpr std::size_t kRows = 20'000;
  std::vector<float> big(kRows * 256);
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = std::sin(static_cast<float>(i) * 0.37F) + static_cast<float>(i / 256 % 7);
  shard_ = folder_.write("big.safetensors", shard_text({{"w", "F32", {kRows, 256}, raw_bytes(big)}}));
  order_.tensors = {{"w8", "q8_0", {256, kRows}, {{"w", false, {}}}, 0, {}},
                    {"w4", "q4_k", {256, kRows}, {{"w", false, {}}}, 0, {}}};
  order_.threads = 4;
  ASSERT_TRUE(prepare().ok());
  const std::string w8 = contents()["w8"];
  ASSERT_EQ(w8.size(), kRows * 8 * 34);
  // A block of q8_0 is an f16 scale and 32 signed bytes; the last row's first block, checked against the scale's step.
  const std::size_t last = (kRows - 1) * 256;
  const auto* block = reinterpret_cast<const signed char*>(w8.data()) + (kRows - 1) * 8 * 34 + 2;
  float largest = 0;
  for (std::size_t i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(big[last + i]));
  for (std::size_t i = 0; i < 32; ++i) EXPECT_NEAR(block[i] * largest / 127, big[last + i], largest / 127 * 0.51);
  order_.threads = 1;
  ASSERT_TRUE(prepare().ok());
  EXPECT_EQ(contents()["w8"], w8);
}

struct Refusal {
  std::string name;
  std::function<void(PrepareOrder&)> change;
  StatusCode code;
  std::string message;
};

class RefusedPlan : public PreparedFile, public ::testing::WithParamInterface<Refusal> {};

TEST_P(RefusedPlan, LeavesNothingBehind) {
  order_.tensors = {{"w", "f32", {32, 4}, {{"f32", false, {}}}, 0, {}}};
  GetParam().change(order_);
  const Status status = prepare().status();
  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_EQ(status.message(), GetParam().message);
  EXPECT_EQ(folder_.names(), std::vector<std::string>{"one.safetensors"});
}

const std::vector<Refusal> kRefusals = {
    {"nothing", [](auto& o) { o.tensors.clear(); }, StatusCode::kInvalidArgument, "the plan has no tensors"},
    {"no_name", [](auto& o) { o.tensors[0].name = ""; }, StatusCode::kInvalidArgument,
     "tensor '' has a name of 0 bytes; it must have 1 to 63"},
    {"twice", [](auto& o) { o.tensors.push_back(o.tensors[0]); }, StatusCode::kInvalidArgument,
     "tensor 'w' is planned twice"},
    {"type", [](auto& o) { o.tensors[0].type = "q9"; }, StatusCode::kInvalidArgument,
     "tensor 'w' cannot be made: tensor type 'q9' is not known; known: f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, "
     "q4_k, q4_1, q4_0, q3_k, q2_k, iq4_nl, iq4_xs"},
    {"rank", [](auto& o) { o.tensors[0].shape = {32, 1, 1, 1, 4}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has 5 dimensions; there can be 1 to 4"},
    {"empty", [](auto& o) { o.tensors[0].shape = {32, 0}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has a dimension of 0"},
    {"overflow", [](auto& o) { o.tensors[0].shape = {32, 1ULL << 60}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has more elements than can be counted"},
    {"block", [](auto& o) { o.tensors[0].type = "q4_k"; }, StatusCode::kInvalidArgument,
     "tensor 'w' has rows of 32 elements, not a multiple of the 256 of a block of q4_k"},
    {"long_rows", [](auto& o) { o.tensors[0].shape = {1 << 25}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has rows of 33554432 elements; the limit is 16777216"},
    {"rows", [](auto& o) { o.tensors[0].shape = {32, 5}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has 5 rows of 32, its sources 4"},
    {"columns", [](auto& o) { o.tensors[0].shape = {33, 4}; }, StatusCode::kInvalidArgument,
     "source tensor 'f32' of shape [4, 32] cannot be cut into rows of 33"},
    {"transposed", [](auto& o) { o.tensors[0].sources[0].transpose = true; }, StatusCode::kInvalidArgument,
     "source tensor 'f32' of shape [4, 32] has, transposed, no rows of 32"},
    {"row_beyond", [](auto& o) { o.tensors[0].sources[0].rows = {0, 1, 2, 4}; }, StatusCode::kInvalidArgument,
     "source tensor 'f32' has rows 0 to 3; row 4 is asked for"},
    {"row_negative", [](auto& o) { o.tensors[0].sources[0].rows = {-1, 1, 2, 3}; }, StatusCode::kInvalidArgument,
     "source tensor 'f32' has rows 0 to 3; row -1 is asked for"},
    {"no_source", [](auto& o) { o.tensors[0].sources[0].name = "x"; }, StatusCode::kDataCorrupted,
     "no file has tensor 'x', which tensor 'w' is made of"},
    {"dtype", [](auto& o) { o.tensors[0] = {"w", "f32", {32}, {{"i8", false, {}}}, 0, {}}; }, StatusCode::kUnsupported,
     "source tensor 'i8' is of dtype I8; F32, F16 and BF16 can be served"},
    {"both", [](auto& o) { o.tensors[0].values = {1}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has both sources and values"},
    {"values", [](auto& o) { o.tensors[0] = {"w", "f32", {3}, {}, 0, {1, 2}}; }, StatusCode::kInvalidArgument,
     "tensor 'w' has 2 values for 3 elements"},
    {"add", [](auto& o) { o.tensors[0].add = NAN; }, StatusCode::kInvalidArgument, "tensor 'w' is to have nan added"},
    {"threads", [](auto& o) { o.threads = -1; }, StatusCode::kInvalidArgument, "threads is -1; it must be 0 to 512"},
    {"metadata", [](auto& o) { o.metadata = "GGUF"; }, StatusCode::kInvalidArgument,
     "the metadata are not a GGUF file: the file ends within its header: it has 4 bytes"},
    {"folder", [](auto& o) { o.out_path += "/none/out.gguf"; }, StatusCode::kNotFound,
     "the folder for file 'out.gguf' does not exist"},
    {"not_finite", [](auto& o) { o.tensors[0] = {"w", "q8_0", {32}, {}, 0, std::vector<float>(32, INFINITY)}; },
     StatusCode::kDataCorrupted, "tensor 'w' has a weight that is inf"},
    {"beyond_f16", [](auto& o) { o.tensors[0] = {"w", "f16", {1}, {}, 0, {65536}}; }, StatusCode::kDataCorrupted,
     "tensor 'w' has a weight of 65536.000000; f16 holds up to 65504: take f32 or bf16"},
};

INSTANTIATE_TEST_SUITE_P(All, RefusedPlan, ::testing::ValuesIn(kRefusals),
                         [](const auto& tested) { return tested.param.name; });

TEST_F(PreparedFile, MetadataWithTensorsAreRefused) {
  const std::vector<std::byte> whole = GgufBytes().build();
  order_.metadata.assign(reinterpret_cast<const char*>(whole.data()), whole.size());
  order_.tensors = {{"w", "f32", {32, 4}, {{"f32", false, {}}}, 0, {}}};
  EXPECT_EQ(prepare().status().message(), "the metadata have 2 tensors; they must have none");
}

TEST_F(PreparedFile, GivenUpItLeavesNothingBehind) {
  constexpr std::size_t kRows = 200'000;
  shard_ = folder_.write("big.safetensors", shard_text({{"w", "F32", {kRows, 256}, std::string(kRows * 1024, '\1')}}));
  order_.tensors = {{"w", "q2_k", {256, kRows}, {{"w", false, {}}}, 0, {}}};
  order_.progress = [](float done) { return done < 0; };
  EXPECT_EQ(prepare().status().code(), StatusCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(order_.out_path));
  EXPECT_FALSE(std::filesystem::exists(order_.out_path + ".part"));
}

}  // namespace
}  // namespace inferno::testing
