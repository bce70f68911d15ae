// A file as it is mapped: views of its bytes, names in messages, and what a huge one costs.
#include "backends/safetensors/safetensors_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

TEST(SafeTensorsFile, ShowsTheBytesOfATensor) {
  const TestFolder folder("safetensors_views");
  const Result<SafeTensorsFile> file =
      SafeTensorsFile::open(folder.write("m.safetensors", safetensors_text(kGoodHeader, kGoodData)));
  ASSERT_TRUE(file.ok()) << file.status().message();
  const SafeTensor& b = file.value().header().tensors[1];
  EXPECT_EQ(file.value().offset(b), 8 + kGoodHeader.size() + 16);
  const auto bytes = file.value().bytes(b);
  ASSERT_EQ(bytes.size(), 8U);
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 16);
  EXPECT_EQ(std::to_integer<int>(bytes[7]), 23);
}

TEST(SafeTensorsFile, AFaultNamesTheFileWithoutItsFolder) {
  const TestFolder folder("safetensors_secret");
  const Result<SafeTensorsFile> file = SafeTensorsFile::open(folder.write("m.safetensors", length_field(9) + "{}"));
  EXPECT_EQ(file.status().code(), StatusCode::kDataCorrupted);
  EXPECT_EQ(file.status().message(),
            "'m.safetensors' cannot be used: the header claims 9 bytes, but the file has 2 after its length");
  EXPECT_EQ(SafeTensorsFile::open(folder.at("none")).status().code(), StatusCode::kNotFound);
}

#ifdef __linux__

std::uint64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
  }
  return 0;
}

TEST(SafeTensorsFile, AHugeFileCostsAlmostNothingToOpen) {
  constexpr std::uint64_t kBytes = 4ULL << 30;
  const TestFolder folder("safetensors_sparse");
  const std::string path = folder.write(
      "m.safetensors", safetensors_text(R"({"w":{"dtype":"F32","shape":[1024,1048576],"data_offsets":[0,4294967296]}})", 0));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + kBytes);
  const std::uint64_t before = resident_kib();
  const Result<SafeTensorsFile> file = SafeTensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto bytes = file.value().bytes(file.value().header().tensors[0]);
  ASSERT_EQ(bytes.size(), kBytes);
  EXPECT_EQ(std::to_integer<int>(bytes[kBytes - 1]), 0);
  ASSERT_GT(before, 0U);
  EXPECT_LT(resident_kib() - before, 50U * 1024);
}

#endif

}  // namespace
}  // namespace inferno::testing
