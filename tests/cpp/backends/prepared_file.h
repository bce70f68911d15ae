// Makes GGUF files of SafeTensors files in a folder of the test's own, and reads their tensors back.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "backends/gguf_bytes.h"
#include "backends/model_files.h"
#include "backends/safetensors_bytes.h"
#include "memory/mapped_file.h"

namespace inferno::testing {

// Tensors as they go into a shard, in order.
struct ShardTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

template <typename T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string shard_text(const std::vector<ShardTensor>& tensors) {
  std::string header;
  std::string data;
  for (const ShardTensor& tensor : tensors) {
    std::string shape;
    for (const std::uint64_t extent : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    header += (header.empty() ? "{\"" : ",\"") + tensor.name + R"(":{"dtype":")" + tensor.dtype + R"(","shape":[)" +
              shape + R"(],"data_offsets":[)" + std::to_string(data.size()) + ",";
    data += tensor.bytes;
    header += std::to_string(data.size()) + "]}";
  }
  header += "}";
  return length_field(header.size()) + header + data;
}

inline std::string metadata_bytes() {
  GgufBytes file;
  file.tensors.clear();
  file.data_bytes = 0;
  const std::vector<std::byte> bytes = file.build();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class PreparedFile : public ::testing::Test {
 protected:
  // The weights: a 4 x 32 matrix of F32 (row r, column c: 100 r + c), the same as BF16, and 2 x (3 x 32) F16.
  void SetUp() override {
    std::vector<float> matrix(4 * 32);
    std::vector<std::uint16_t> halves(matrix.size());
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      matrix[i] = static_cast<float>(i / 32 * 100 + i % 32);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &matrix[i], sizeof(bits));
      halves[i] = static_cast<std::uint16_t>(bits >> 16);
    }
    shard_ = folder_.write("one.safetensors", shard_text({{"f32", "F32", {4, 32}, raw_bytes(matrix)},
                                                          {"bf16", "BF16", {4, 32}, raw_bytes(halves)},
                                                          {"i8", "I8", {32}, std::string(32, 'x')}}));
    order_.out_path = folder_.at("out.gguf");
    order_.metadata = metadata_bytes();
  }

  Result<PreparedStats> prepare() const { return prepare_gguf({shard_}, order_); }

  [[nodiscard]] std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> found;
    const Result<MappedFile> file = MappedFile::open(order_.out_path);
    const Result<std::vector<ListedTensor>> listed = list_tensors({order_.out_path});
    EXPECT_TRUE(file.ok() && listed.ok()) << listed.status().message();
    if (!file.ok() || !listed.ok()) return found;
    for (const ListedTensor& tensor : listed.value()) {
      const auto* begin = reinterpret_cast<const char*>(file.value().bytes().data()) + tensor.offset;
      found[tensor.name] = std::string(begin, static_cast<std::size_t>(tensor.bytes));
    }
    return found;
  }

  static std::vector<float> floats(const std::string& bytes) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
  }

  TestFolder folder_{std::string("prepare_secret_") +
                     ::testing::UnitTest::GetInstance()->current_test_info()->name()};
  std::string shard_;
  PrepareOrder order_;
};

}  // namespace inferno::testing
