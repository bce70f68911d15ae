// OperatorTimes: what each kind of operator took. ONNX Runtime tells it of single runs, each in a file of its own, which is
// read and removed after the run.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/model_report.h"
#include "backends/onnx/ort_handles.h"
#include "base/result.h"

namespace inferno {

// Adds what a line of such a file says to `times`, if it is of an operator's kernel.
void add_operator_time(std::string_view line, std::vector<OperatorTime>& times);

// One run at a time; times() from any thread.
class OperatorTimes {
 public:
  // Makes a folder for the files, which nobody else can read. kUnsupported before ONNX Runtime 1.25, which tells of whole
  // sessions only; kUnavailable without a place for it.
  [[nodiscard]] static Result<std::unique_ptr<OperatorTimes>> create(const OrtApi& api);
  ~OperatorTimes();
  OperatorTimes(const OperatorTimes&) = delete;
  OperatorTimes& operator=(const OperatorTimes&) = delete;

  // For the next run.
  [[nodiscard]] Result<OrtHandle<OrtRunOptions>> options() const;
  // After it. kUnavailable where its file cannot be read.
  [[nodiscard]] Status take();
  [[nodiscard]] std::vector<OperatorTime> times() const;  // the longest first

 private:
  OperatorTimes(const OrtApi& api, std::filesystem::path folder) : api_(api), folder_(std::move(folder)) {}

  const OrtApi& api_;
  std::filesystem::path folder_;
  mutable std::mutex guard_;
  std::vector<OperatorTime> times_;
};

}  // namespace inferno
