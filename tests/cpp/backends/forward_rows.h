// forward_rows(): a step's logits, as a test keeps them: the model's own are gone with its next step.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "backends/backend.h"

namespace inferno {

using Row = std::vector<float>;

// None where the step fails, which fails the test.
inline std::vector<Row> forward_rows(Model& model, const ForwardBatch& batch) {
  const Result<Logits> logits = model.forward(batch);
  EXPECT_TRUE(logits.ok()) << logits.status().message();
  std::vector<Row> rows;
  if (!logits.ok()) return rows;
  for (const auto& row : logits.value().rows) rows.emplace_back(row.begin(), row.end());
  return rows;
}

}  // namespace inferno
