// Each way a SafeTensors file can be wrong has its own sentence; what is right, however odd, is taken.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "backends/safetensors/safetensors_file.h"
#include "backends/safetensors_bytes.h"

namespace inferno::testing {
namespace {

struct Fault {
  std::string name;
  std::string file;
  std::string message;
};

Status checked(const std::string& file) {
  std::uint64_t data_start = 0;
  return read_safetensors(bytes_of(file), data_start).status();
}

std::string with_header(const std::string& header) { return safetensors_text(header, kGoodData); }

// The good header with tensor b described otherwise.
std::string with_b(const std::string& description, std::size_t data_bytes = kGoodData) {
  return safetensors_text(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":)" + description + "}",
                          data_bytes);
}

std::vector<Fault> frame_faults() {
  return {
      {"short_length", std::string("\x10\0\0\0", 4), "the file ends within the length of its header: it has 4 bytes"},
      {"header_beyond_file", length_field(1000) + "{}",
       "the header claims 1000 bytes, but the file has 2 after its length"},
      {"header_over_limit", length_field(100'000'001) + "{}",
       "the header claims 100000001 bytes; the limit is 100000000"},
      {"header_length_wraps", length_field(UINT64_MAX) + "{}",
       "the header claims 18446744073709551615 bytes; the limit is 100000000"},
      {"empty_header", with_header(""), "the header is not a JSON object"},
      {"list_header", with_header("[]"), "the header is not a JSON object"},
      {"trailing_bytes", with_header(kGoodHeader + " x"),
       "something follows the header's closing brace, at byte " + std::to_string(kGoodHeader.size() + 1)},
      {"cut_header", with_header(kGoodHeader.substr(0, kGoodHeader.size() - 1)),
       "the header is not JSON: ',' or '}' is missing at byte " + std::to_string(kGoodHeader.size() - 1)},
      {"nothing_belongs", with_header("{}"), "the last 24 bytes of the file belong to no tensor"},
  };
}

std::vector<Fault> json_faults() {
  const std::string b = R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[16,24]})";
  const auto header = [&](const std::string& rest) { return with_header("{" + rest + "}"); };
  return {
      {"bare_name", header("b:1"), "the header is not JSON: a name in quotes is missing at byte 1"},
      {"no_colon", header(R"("b" {})"), "the header is not JSON: ':' is missing at byte 5"},
      {"trailing_comma", header(b + ","), "the header is not JSON: a name in quotes is missing at byte 57"},
      {"not_utf8", header("\"\xC3\":1"), "the header is not JSON: a name in quotes is missing at byte 2"},
      {"lone_surrogate", header(R"("\ud800":1)"), "the header is not JSON: a name in quotes is missing at byte 8"},
      {"newline_in_name", header("\"a\nb\":1"), "the header is not JSON: a name in quotes is missing at byte 3"},
      {"name_twice", header(b + "," + b), "the header has 'b' twice"},
      {"metadata_twice", header(R"("__metadata__":{},"__metadata__":{})"), "the header has '__metadata__' twice"},
      {"no_name", header(R"("":{})"), "a tensor has no name"},
      {"metadata_list", header(R"("__metadata__":[])"), "'__metadata__' is not an object"},
      {"metadata_number", header(R"("__metadata__":{"k":1})"), "'__metadata__' has 'k', which is not a string"},
      {"metadata_key_twice", header(R"("__metadata__":{"k":"1","k":"2"})"), "'__metadata__' has 'k' twice"},
  };
}

std::vector<Fault> tensor_faults() {
  const std::string dtypes =
      "BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, I16, U16, F16, BF16, I32, U32, F32, C64, F64, "
      "I64, U64";
  return {
      {"not_described", with_b("7"), "tensor 'b' is not described by an object"},
      {"odd_key", with_b(R"({"stride":1})"), "tensor 'b' has the key 'stride'; known: dtype, shape, data_offsets"},
      {"dtype_twice", with_b(R"({"dtype":"U8","dtype":"U8"})"), "tensor 'b' has its dtype twice"},
      {"no_dtype", with_b(R"({"shape":[4],"data_offsets":[16,24]})"), "tensor 'b' has no dtype"},
      {"no_shape", with_b(R"({"dtype":"U8","data_offsets":[16,24]})"), "tensor 'b' has no shape"},
      {"no_offsets", with_b(R"({"dtype":"U8","shape":[8]})"), "tensor 'b' has no data_offsets"},
      {"dtype_number", with_b(R"({"dtype":8})"), "tensor 'b' has a dtype that is not a string"},
      {"dtype_unknown", with_b(R"({"dtype":"Q8"})"),
       "tensor 'b' is of dtype 'Q8', which is not known; known: " + dtypes},
      {"shape_number", with_b(R"({"shape":4})"), "tensor 'b' has a shape that is not a list"},
      {"shape_negative", with_b(R"({"shape":[-4]})"),
       "tensor 'b' has a dimension that is not a whole number from 0 to 2^64-1"},
      {"shape_fraction", with_b(R"({"shape":[4.0]})"),
       "tensor 'b' has a dimension that is not a whole number from 0 to 2^64-1"},
      {"shape_beyond_64_bits", with_b(R"({"shape":[18446744073709551616]})"),
       "tensor 'b' has a dimension that is not a whole number from 0 to 2^64-1"},
      {"rank", with_b(R"({"shape":[1,1,1,1,1,1,1,1,1]})"), "tensor 'b' has more than 8 dimensions"},
      {"one_offset", with_b(R"({"data_offsets":[16]})"),
       "tensor 'b' has data_offsets that are not two whole numbers from 0 to 2^64-1"},
  };
}

std::vector<Fault> placement_faults() {
  const auto b = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
  };
  return {
      {"overflow", with_b(b("F32", "4294967296,4294967296,4", "16,24")),
       "tensor 'b' has a shape of more bytes than can be counted"},
      {"half_a_byte", with_b(b("F4", "3", "16,18")), "tensor 'b' has 12 bits, not a whole number of bytes"},
      {"backwards", with_b(b("BF16", "4", "24,16")), "tensor 'b' has offsets that run backwards: 24 to 16"},
      {"wrong_size", with_b(b("BF16", "5", "16,24")),
       "tensor 'b' needs 10 bytes by its shape and dtype BF16, but its offsets (16 to 24) give it 8"},
      {"unaligned", with_b(b("F32", "1", "17,21")),
       "tensor 'b' begins at byte 17, not a multiple of the 4 bytes of its elements"},
      {"beyond_file", with_b(b("BF16", "4", "16,24"), 20),
       "tensor 'b' ends at byte 24 of the data, but the file has 20: it is truncated"},
      {"overlap", with_b(b("BF16", "8", "8,24")), "tensor 'b' overlaps tensor 'a'"},
      {"hole", with_b(b("BF16", "2", "20,24")),
       "tensor 'b' begins at byte 20 of the data: the 4 bytes before it belong to no tensor"},
      {"left_over", with_b(b("BF16", "4", "16,24"), 30), "the last 6 bytes of the file belong to no tensor"},
  };
}

std::vector<Fault> all_faults() {
  std::vector<Fault> all;
  for (const auto& some : {frame_faults(), json_faults(), tensor_faults(), placement_faults()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class SafeTensorsFault : public ::testing::TestWithParam<Fault> {};

TEST_P(SafeTensorsFault, HasItsSentence) {
  const Status status = checked(GetParam().file);
  EXPECT_EQ(status.code(), StatusCode::kDataCorrupted);
  EXPECT_EQ(status.message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(All, SafeTensorsFault, ::testing::ValuesIn(all_faults()),
                         [](const auto& tested) { return tested.param.name; });

TEST(SafeTensorsCheck, TooManyTensorsAreRefused) {
  std::string header = "{";
  for (std::size_t i = 0; i <= kMostTensors; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  EXPECT_EQ(checked(safetensors_text(header + "}", 0)).message(), "the header has more than 131072 tensors");
}

TEST(SafeTensorsCheck, NamesAreQuotedShortAndPrintable) {
  const std::string name = std::string(100, 'n') + R"(\u001b[2J)";
  const std::string message = checked(with_header("{\"" + name + "\":1}")).message();
  EXPECT_EQ(message, "tensor '" + std::string(80, 'n') + "...' is not described by an object");
}

SafeTensorsHeader accepted(const std::string& file) {
  std::uint64_t data_start = 0;
  Result<SafeTensorsHeader> header = read_safetensors(bytes_of(file), data_start);
  EXPECT_TRUE(header.ok()) << header.status().message();
  return std::move(header).value();
}

TEST(SafeTensorsCheck, TakesWhatTheFormatAllows) {
  const SafeTensorsHeader good = accepted(with_header(kGoodHeader + "   "));
  ASSERT_EQ(good.tensors.size(), 2U);
  EXPECT_EQ(good.tensors[1].dtype, "BF16");
  EXPECT_EQ(good.tensors[0].shape, (std::vector<std::uint64_t>{2, 2}));
  EXPECT_EQ(good.metadata.front(), (std::pair<std::string, std::string>{"format", "pt"}));

  // The order of the header is free; a number has no shape; an empty tensor has no bytes.
  const SafeTensorsHeader odd = accepted(safetensors_text(
      R"( { "late" : {"shape":[],"data_offsets":[4,8],"dtype":"F32"} , "early":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},)"
      R"("none":{"dtype":"F16","shape":[3,0],"data_offsets":[4,4]}})", 8));
  EXPECT_TRUE(odd.tensors[0].shape.empty());

  EXPECT_TRUE(accepted(safetensors_text("{}", 0)).tensors.empty());
  EXPECT_EQ(accepted(safetensors_text(R"({"\u00e9\n\ud83d\ude00/":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1))
                .tensors[0].name, "\xC3\xA9\n\xF0\x9F\x98\x80/");
}

}  // namespace
}  // namespace inferno::testing
