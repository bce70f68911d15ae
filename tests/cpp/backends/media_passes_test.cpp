#include "backends/llama/media_passes.h"

#include <gtest/gtest.h>

#include <string>

#include "base/media_rows.h"

namespace inferno {
namespace {

using Passes = std::vector<std::vector<std::size_t>>;

constexpr float kRow[] = {0};

// One letter a row: t is a token, i a picture's row, a and b those of pictures whose rows see each other; a blank begins the next slot.
ForwardBatch batch_of(const std::string& rows) {
  ForwardBatch batch;
  SlotId slot{0};
  std::int32_t position = 0;
  for (const char kind : rows) {
    if (kind == ' ') slot = SlotId{static_cast<std::int32_t>(slot) + 1}, position = 0;
    if (kind == 't') batch.add(65, position++, slot, false);
    if (kind == 'a' || kind == 'b') batch.add_media_row(kRow, kFirstMedia - kind, position++, slot, false, kNoAdapter, true);
    if (kind == 'i') batch.add_media_row(kRow, kFirstMedia, position++, slot, false);
  }
  batch.complete();
  return batch;
}

Passes rows_of(const std::string& rows) {
  Passes passes;
  for (const MediaPass& pass : media_passes(batch_of(rows))) passes.push_back(pass.rows);
  return passes;
}

TEST(MediaPasses, AreOfOneKindEachAndKeepEverySlotsOrder) {
  EXPECT_EQ(rows_of("ttiit"), (Passes{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(rows_of("ti t it"), (Passes{{0, 2}, {1, 3}, {4}})) << "a slot of tokens alone is in the first pass";
  EXPECT_EQ(rows_of("ii i"), (Passes{{0, 1, 2}}));
  EXPECT_EQ(rows_of("itit tt"), (Passes{{4, 5}, {0}, {1}, {2}, {3}}));
}

TEST(MediaPasses, APictureWhoseRowsSeeEachOtherIsAlone) {
  EXPECT_EQ(rows_of("taat"), (Passes{{0}, {1, 2}, {3}}));
  EXPECT_EQ(rows_of("aabb"), (Passes{{0, 1}, {2, 3}}));
  EXPECT_EQ(rows_of("taat tbb"), (Passes{{0, 4}, {1, 2}, {5, 6}, {3}}));
  EXPECT_EQ(rows_of("iaa"), (Passes{{0}, {1, 2}}));
  const std::vector<MediaPass> passes = media_passes(batch_of("tiaa"));
  ASSERT_EQ(passes.size(), 3U);
  EXPECT_FALSE(passes[0].together);
  EXPECT_FALSE(passes[1].together);
  EXPECT_TRUE(passes[2].together);
}

TEST(ForwardBatch, KnowsWhichRowsArePictures) {
  const ForwardBatch batch = batch_of("tit");
  EXPECT_EQ(batch.embedding, (std::vector<const float*>{nullptr, kRow, nullptr}));
  ForwardBatch copy;
  for (std::size_t i = 0; i < 3; ++i) copy.take(batch, i, i == 2);
  copy.complete();
  EXPECT_EQ(copy.embedding, batch.embedding);
  EXPECT_EQ(copy.token, batch.token);
  EXPECT_EQ(copy.wants_logits, (std::vector<std::uint8_t>{0, 0, 1}));
  EXPECT_TRUE(batch_of("tt").embedding.empty()) << "a batch of text pays nothing";
  copy.clear();
  EXPECT_TRUE(copy.embedding.empty());
}

}  // namespace
}  // namespace inferno
