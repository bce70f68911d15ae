// What is no number in one sequence's cells reaches no other: not beside it, and not where it has been.
#include <gguf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "backends/contract_fixture.h"
#include "backends/llama/kernels/kernel_set.h"
#include "backends/llama/llama_load.h"

namespace inferno::testing {
namespace {

constexpr TokenId kBroken = 200;  // a token whose embedding is no number

struct Setting {
  std::string file, layout, flash, kv;
  int rows;          // of the broken prompt
  double tolerance;  // of a logit: rows are computed beside others, or alone
};

void PrintTo(const Setting& s, std::ostream* to) {
  *to << s.file << ", " << s.layout << ", flash attention " << s.flash << ", " << s.kv << ", " << s.rows << " rows";
}

// A copy of one of the models that tests have, with that token.
class BrokenModel {
 public:
  explicit BrokenModel(const std::string& file) {
    const auto whole = std::filesystem::path(test_gguf()).parent_path() / file;
    std::filesystem::copy_file(whole, path_, std::filesystem::copy_options::overwrite_existing);
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> head(gguf_init_from_file(whole.c_str(), {.no_alloc = true, .ctx = nullptr}), gguf_free);
    const std::int64_t tensor = gguf_find_tensor(head.get(), "token_embd.weight");
    const std::size_t row = gguf_get_tensor_size(head.get(), tensor) / 300;
    std::fstream bytes(path_, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(gguf_get_data_offset(head.get()) + gguf_get_tensor_offset(head.get(), tensor) + kBroken * row));
    bytes << std::string(row, '\xff');  // of every format a NaN: of numbers, or of their scales
  }
  ~BrokenModel() { std::filesystem::remove(path_); }
  BrokenModel(const BrokenModel&) = delete;
  BrokenModel& operator=(const BrokenModel&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_ = std::filesystem::path(::testing::TempDir()) / "broken.gguf";
};

class Neighbours : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    if (test_gguf() == nullptr) GTEST_SKIP() << kNoGguf;
    if (kernels() == nullptr) GTEST_SKIP() << "this processor or this build has no kernels of ours";
    const BrokenModel broken(GetParam().file);
    ModelOptions options;
    options.kv_layout = GetParam().layout;
    options.flash_attention = GetParam().flash;
    options.kv_type = GetParam().kv;
    options.slots = 3;
    options.context_tokens = 200;
    options.threads = 1;
    Result<std::unique_ptr<Model>> model = load_llama_model(broken.path(), options);
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_ = std::move(model).value();
  }

  static void add(ForwardBatch& batch, int slot, int from, int rows, TokenId first = 40) {
    for (int i = from; i < from + rows; ++i) batch.add(i == 0 ? first : 40 + i, i, SlotId{slot}, i + 1 == from + rows);
  }

  std::vector<Row> run(const ForwardBatch& batch) { return forward_rows(*model_, batch); }

  // The broken token's own logit is none, where what is read is also what is written.
  static void expect_same(const Row& found, const Row& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (static_cast<TokenId>(i) == kBroken) continue;
      ASSERT_TRUE(std::isfinite(expected[i])) << i;
      ASSERT_NEAR(found[i], expected[i], GetParam().tolerance) << i;
    }
  }

  std::unique_ptr<Model> model_;
};

TEST_P(Neighbours, OfABrokenSequenceSayWhatTheySayAlone) {
  ForwardBatch sound, later;
  add(sound, 1, 0, 70);
  add(later, 1, 70, 1);
  const Row expected = run(sound)[0], expected_later = run(later)[0];
  ASSERT_TRUE(model_->drop(SlotId{1}).ok());

  ForwardBatch both;  // in one step
  add(both, 0, 0, GetParam().rows, kBroken);
  add(both, 1, 0, 70);
  const std::vector<Row> rows = run(both);
  EXPECT_TRUE(std::isnan(rows[0][0])) << "what is broken is told to be";
  expect_same(rows[1], expected);
  expect_same(run(later)[0], expected_later);  // beside its cells
  ASSERT_TRUE(model_->drop(SlotId{0}).ok());
  ASSERT_TRUE(model_->drop(SlotId{1}).ok());
  for (int slot = 0; slot < 2; ++slot) {  // where they were
    ForwardBatch next;
    add(next, slot, 0, 2);
    const Row once = run(next)[0];
    ASSERT_TRUE(std::isfinite(once[0])) << slot;
    ASSERT_TRUE(model_->drop(SlotId{slot}).ok());
  }
}

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const int rows : {3, 70}) {
    all.push_back({"llama-mixed.gguf", "unified", "on", "f16", rows, 0.1});
    for (const char* layout : {"unified", "per_sequence"}) {
      for (const char* kv : {"f16", "f32"}) all.push_back({"llama-tiny.gguf", layout, "off", kv, rows, 0.01});
    }
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Settings, Neighbours, ::testing::ValuesIn(settings()));

}  // namespace
}  // namespace inferno::testing
