// Each way a GGUF file can be wrong has its own sentence.
#include "backends/llama/gguf_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "backends/gguf_bytes.h"

namespace inferno::testing {
namespace {

using Change = std::function<void(GgufBytes&)>;

struct Fault {
  std::string name;
  Change change;
  std::string message;
  StatusCode code = StatusCode::kDataCorrupted;
};

const std::string kBeyond = std::string(8, '\xFF');  // a length of 2^64-1

std::vector<Fault> header_faults() {
  return {
      {"magic", [](auto& f) { f.magic = "GGML"; }, "the file does not begin with 'GGUF'"},
      {"version0", [](auto& f) { f.version = 0; }, "the file claims GGUF version 0; versions 2 and 3 can be read"},
      {"version4", [](auto& f) { f.version = 4; }, "the file claims GGUF version 4; versions 2 and 3 can be read"},
      {"version1", [](auto& f) { f.version = 1; }, "the file is GGUF version 1; versions 2 and 3 can be read",
       StatusCode::kUnsupported},
      {"byte_order", [](auto& f) { f.version = 0x03000000; }, "the file is of the other byte order (big-endian)",
       StatusCode::kUnsupported},
      {"key_count", [](auto& f) { f.extra_pairs = 1 << 19; }, "the file claims 524291 keys, more than it can hold"},
      {"key_count_wraps", [](auto& f) { f.extra_pairs = UINT64_MAX - 3; },
       "the file claims 18446744073709551615 keys, more than it can hold"},
      {"tensor_count", [](auto& f) { f.extra_tensors = 1 << 19; },
       "the file claims 524290 tensors, more than it can hold"},
  };
}

Change windowed(const std::string& architecture, const std::string& window, const std::string& pattern) {
  return [=](GgufBytes& f) {
    f.pairs[0] = GgufBytes::text_pair("general.architecture", architecture);
    f.pairs.push_back(pattern);
    f.pairs.push_back(GgufBytes::number_pair(architecture + ".block_count", 4, 3));
    if (!window.empty()) f.pairs.push_back(window);
  };
}

// Each of them ended the process in llama.cpp: GGML_ASSERT(hparams.is_swa_any()).
std::vector<Fault> window_faults() {
  using G = GgufBytes;
  const std::string window = G::number_pair("gemma3.attention.sliding_window", 4, 512);
  const std::string none = ", but by its 'attention.sliding_window_pattern' no layer has sliding attention";
  const std::string said = "it has a sliding window of 512 tokens" + none;
  return {
      {"window_one_in_one", windowed("gemma3", window, G::number_pair("gemma3.attention.sliding_window_pattern", 4, 1)), said},
      {"window_no_layer",
       windowed("gemma3", window, G::array_pair("gemma3.attention.sliding_window_pattern", 7, 3, std::string(3, '\0'))), said},
      {"window_beyond_layers",
       windowed("gemma3", window, G::array_pair("gemma3.attention.sliding_window_pattern", 7, 4, std::string(3, '\0') + '\1')),
       said},
      {"window_built_in", windowed("gemma2", "", G::number_pair("gemma2.attention.sliding_window_pattern", 4, 1)),
       "it has a sliding window" + none},
  };
}

std::vector<Fault> key_faults() {
  using G = GgufBytes;
  const auto put = [](std::string pair) {
    return [pair](GgufBytes& f) {
      f.pairs.push_back(pair);
      f.tensors.clear();
      f.data_bytes = 0;
    };
  };
  return {
      {"key_name_long", put(kBeyond), "the name of key 3 runs past the end of the file"},
      {"key_empty", put(G::number_pair("", 4, 1)), "key 3 has no name"},
      {"key_twice", put(G::text_pair("tokens", "x")), "key 'tokens' is there twice"},
      {"key_huge", put(G::text_pair(std::string(65536, 'k'), "x")),
       "key '" + std::string(80, 'k') + "...' has a name of more than 65535 bytes"},
      {"value_type", put(G::number_pair("odd", 13, 1)), "key 'odd' is of type 13, which is not known"},
      {"value_text_long", put(G::text("big") + G::raw(std::uint32_t{8}) + kBeyond),
       "the value of key 'big' runs past the end of the file"},
      {"array_type", put(G::array_pair("list", 99, 1, "")), "key 'list' is of type 99, which is not known"},
      {"array_nested", put(G::array_pair("list", 9, 1, G::raw(std::uint64_t{0}))), "key 'list' is an array of arrays"},
      {"array_count", put(G::array_pair("list", 4, UINT64_MAX, "")),
       "the array of key 'list' claims 18446744073709551615 elements"},
      {"array_long", put(G::array_pair("list", 10, 1 << 20, "")),
       "the value of key 'list' runs past the end of the file"},
      {"array_text_long", put(G::array_pair("list", 8, 2, G::text("a") + kBeyond)),
       "the value of key 'list' runs past the end of the file"},
      {"unprintable", put(G::number_pair("a\n\xC3.b", 13, 0)),
       "key 'a?"
       "?.b' is of type 13, which is not known"},
      {"no_layers", put(G::number_pair("llama.block_count", 4, 0)),
       "'llama.block_count' is 0; it must be from 1 to 512"},
      {"layers", put(G::number_pair("llama.block_count", 4, 513)),
       "'llama.block_count' is 513; it must be from 1 to 512"},
      {"vocabulary_twice",
       put(G::array_pair("tokenizer.ggml.tokens", 8, 4, G::text("") + G::text("a") + G::text("") + G::text("a"))),
       "the vocabulary has the token 'a' twice, the second time as 3"},
      {"vocabulary_long", put(G::array_pair("tokenizer.ggml.tokens", 8, 2, G::text("a") + kBeyond)),
       "the value of key 'tokenizer.ggml.tokens' runs past the end of the file"},
      {"alignment_zero", [](auto& f) { f.pairs[1] = G::number_pair("general.alignment", 4, 0); },
       "'general.alignment' is 0; it must be a power of two up to 1048576"},
      {"alignment_odd", [](auto& f) { f.pairs[1] = G::number_pair("general.alignment", 4, 48); },
       "'general.alignment' is 48; it must be a power of two up to 1048576"},
      {"alignment_type", [](auto& f) { f.pairs[1] = G::number_pair("general.alignment", 5, 32); },
       "'general.alignment' is of type 5; it must be uint32"},
      {"architecture_type", [](auto& f) { f.pairs[0] = G::number_pair("general.architecture", 4, 1); },
       "'general.architecture' is not a string"},
      {"architecture_missing", [](auto& f) { f.pairs.erase(f.pairs.begin()); },
       "the key 'general.architecture' is missing: this is not a model"},
  };
}

std::vector<Fault> tensor_faults() {
  return {
      {"no_dims", [](auto& f) { f.tensors[1].shape.clear(); }, "tensor 'second' has 0 dimensions; there can be 1 to 4"},
      {"five_dims", [](auto& f) { f.tensors[1].shape = {32, 1, 1, 1, 1}; },
       "tensor 'second' has 5 dimensions; there can be 1 to 4"},
      {"zero_dim", [](auto& f) { f.tensors[0].shape = {8, 0}; }, "tensor 'first' has a dimension of 0"},
      {"elements", [](auto& f) { f.tensors[0].shape = {1ULL << 40, 1ULL << 40}; },
       "tensor 'first' has a shape of more elements than can be counted"},
      {"bytes", [](auto& f) { f.tensors[0].shape = {1ULL << 62}; },
       "tensor 'first' has a shape of more bytes than can be counted"},
      {"type", [](auto& f) { f.tensors[0].type = 4242; }, "tensor 'first' is of type 4242, which is not known"},
      {"removed_type", [](auto& f) { f.tensors[0].type = 4; }, "tensor 'first' is of type 4, which is not known"},
      {"block", [](auto& f) { f.tensors[1].shape = {31, 2}; },
       "tensor 'second' has rows of 31 elements, not a multiple of its type's block of 32"},
      {"no_name", [](auto& f) { f.tensors[1].name.clear(); }, "tensor 1 has no name"},
      {"long_name", [](auto& f) { f.tensors[1].name = std::string(64, 'n'); },
       "tensor '" + std::string(64, 'n') + "' has a name of 64 bytes; the limit is 63"},
      {"same_name", [](auto& f) { f.tensors[1].name = "first"; }, "tensor 'first' is there twice"},
      {"offset_odd", [](auto& f) { f.tensors[1].offset = 129; },
       "tensor 'second' is at offset 129, not a multiple of the alignment of 32"},
      {"offset_beyond", [](auto& f) { f.tensors[1].offset = UINT64_MAX - 31; },
       "tensor 'second' is at offset 18446744073709551584, beyond any file"},
      {"overlap", [](auto& f) { f.tensors[1].offset = 96; }, "tensor 'second' overlaps tensor 'first'"},
      {"truncated", [](auto& f) { f.data_bytes -= 1; },
       "tensor 'second' ends at byte 452 but the file has 451: it is truncated"},
  };
}

std::vector<Fault> all_faults() {
  std::vector<Fault> all = header_faults();
  for (const auto& more : {key_faults(), window_faults(), tensor_faults()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(GgufCheck, AcceptsAValidFile) {
  EXPECT_EQ(check_gguf(GgufBytes().build()).message(), "");
  GgufBytes version2;
  version2.version = 2;
  EXPECT_TRUE(check_gguf(version2.build()).ok());
}

TEST(GgufCheck, AcceptsAWindowThatALayerHas) {
  using G = GgufBytes;
  const std::string window = G::number_pair("gemma3.attention.sliding_window", 4, 512);
  for (const std::string& pattern : {G::number_pair("gemma3.attention.sliding_window_pattern", 4, 6),
                                     G::array_pair("gemma3.attention.sliding_window_pattern", 7, 3, std::string(2, '\0') + '\1')}) {
    GgufBytes file;
    windowed("gemma3", window, pattern)(file);
    EXPECT_EQ(check_gguf(file.build()).message(), "");
  }
  GgufBytes off;  // a window of 0 is none
  windowed("gemma3", G::number_pair("gemma3.attention.sliding_window", 4, 0),
           G::number_pair("gemma3.attention.sliding_window_pattern", 4, 1))(off);
  EXPECT_EQ(check_gguf(off.build()).message(), "");
}

class GgufFault : public ::testing::TestWithParam<Fault> {};

TEST_P(GgufFault, IsRefusedWithItsOwnSentence) {
  GgufBytes file;
  GetParam().change(file);
  const Status status = check_gguf(file.build());
  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_EQ(status.message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(All, GgufFault, ::testing::ValuesIn(all_faults()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace inferno::testing
