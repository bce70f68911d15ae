#include "request/stop_criteria.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(StopCriteria, EndTokenStopsUnlessIgnored) {
  Request request;
  EXPECT_EQ(stops_at(request, 5, true), FinishReason::kStop);
  request.ignore_eos = true;
  EXPECT_EQ(stops_at(request, 5, true), FinishReason::kNone);
}

TEST(StopCriteria, OwnStopTokensStopEvenWhenEndIsIgnored) {
  Request request;
  request.ignore_eos = true;
  request.stop_tokens = {3, 9};
  EXPECT_EQ(stops_at(request, 9, false), FinishReason::kStop);
  EXPECT_EQ(stops_at(request, 8, false), FinishReason::kNone);
}

TEST(StopCriteria, LengthByRequestAndByContext) {
  Request request;
  EXPECT_EQ(full_after(request, 1000, 1010, 2048), FinishReason::kNone);
  EXPECT_EQ(full_after(request, 1000, 2048, 2048), FinishReason::kLength);
  request.max_tokens = 5;
  EXPECT_EQ(full_after(request, 4, 14, 2048), FinishReason::kNone);
  EXPECT_EQ(full_after(request, 5, 15, 2048), FinishReason::kLength);
}

}  // namespace
}  // namespace inferno
