#include "backends/onnx/operator_times.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "backends/onnx/ort_status.h"

namespace inferno {
namespace {

constexpr int kTellsOfRuns = 25;  // ONNX Runtime 1.25
constexpr std::string_view kKernel = "_kernel_time\"";

// What stands between `before` and the next `end`; empty where `before` is not there.
std::string_view between(std::string_view line, std::string_view before, char end) {
  const std::size_t start = line.find(before);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + before.size());
  return line.substr(0, line.find(end));
}

}  // namespace

void add_operator_time(std::string_view line, std::vector<OperatorTime>& times) {
  if (line.find("\"cat\" : \"Node\"") == std::string_view::npos || line.find(kKernel) == std::string_view::npos) return;
  const std::string_view kind = between(line, "\"op_name\" : \"", '"');
  const std::string_view took = between(line, "\"dur\" :", ',');
  std::uint64_t microseconds = 0;
  const auto read = std::from_chars(took.data(), took.data() + took.size(), microseconds);
  if (kind.empty() || read.ec != std::errc()) return;
  auto known = std::find_if(times.begin(), times.end(), [&](const OperatorTime& one) { return one.name == kind; });
  if (known == times.end()) known = times.insert(known, {std::string(kind), 0, 0.0});
  ++known->calls;
  known->seconds += 1e-6 * static_cast<double>(microseconds);
}

Result<std::unique_ptr<OperatorTimes>> OperatorTimes::create(const OrtApi& api) {
  if (api.enable_run_profiling == nullptr) {
    return Status(StatusCode::kUnsupported, "operators are timed from ONNX Runtime 1." + std::to_string(kTellsOfRuns) + " on");
  }
  std::error_code error;
  std::string name = (std::filesystem::temp_directory_path(error) / "inferno-operators-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    return Status(StatusCode::kUnavailable, "there is no folder for temporary files, and operators are timed by such");
  }
  return std::unique_ptr<OperatorTimes>(new OperatorTimes(api, name));
}

OperatorTimes::~OperatorTimes() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<OrtHandle<OrtRunOptions>> OperatorTimes::options() const {
  OrtRunOptions* made = nullptr;
  if (Status status = ort_status(api_, api_.create_run_options(&made)); !status.ok()) return status;
  auto options = owned(made, api_.release_run_options);
  const std::string prefix = (folder_ / "run").string();
  if (Status status = ort_status(api_, api_.enable_run_profiling(made, prefix.c_str())); !status.ok()) return status;
  return options;
}

Status OperatorTimes::take() {
  std::error_code error;
  const std::lock_guard lock(guard_);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) add_operator_time(line, times_);
    std::filesystem::remove(entry.path(), error);
    ++files;
  }
  if (error || files == 0) return Status(StatusCode::kUnavailable, "what ONNX Runtime tells of a run's operators cannot be read");
  return {};
}

std::vector<OperatorTime> OperatorTimes::times() const {
  const std::lock_guard lock(guard_);
  std::vector<OperatorTime> sorted = times_;
  std::sort(sorted.begin(), sorted.end(), [](const OperatorTime& a, const OperatorTime& b) { return a.seconds > b.seconds; });
  return sorted;
}

}  // namespace inferno
