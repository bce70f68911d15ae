// What is no adapter, or one that is not computed, is refused by name before llama.cpp sees it, whatever the bytes.
#include "backends/llama/adapter_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "backends/gguf_bytes.h"

namespace inferno::testing {
namespace {

using G = GgufBytes;

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// Pairs in this order: architecture, general.type, adapter.type, alpha.
G good() {
  G file;
  file.pairs = {G::text_pair("general.architecture", "llama"), G::text_pair("general.type", "adapter"),
                G::text_pair("adapter.type", "lora"), G::number_pair("adapter.lora.alpha", 6, bits_of(16))};
  file.tensors = {{"blk.0.attn_q.weight.lora_a", {8, 4}, 0, 0}, {"blk.0.attn_q.weight.lora_b", {4, 8}, 0, 128}};
  file.data_bytes = 256;
  return file;
}

struct Fault {
  std::string name;
  std::function<void(G&)> change;
  std::string says;
  StatusCode code = StatusCode::kUnsupported;
};

std::vector<Fault> faults() {
  const auto pair = [](std::size_t at, const std::string& text) { return [=](G& f) { f.pairs[at] = text; }; };
  const auto first = [](const std::string& name) { return [=](G& f) { f.tensors[0].name = name; }; };
  constexpr StatusCode kCorrupted = StatusCode::kDataCorrupted;
  return {
      {"model", pair(1, G::text_pair("general.type", "model")), "its 'general.type' is 'model'; it must be 'adapter'", kCorrupted},
      {"type_is_number", pair(1, G::number_pair("general.type", 4, 1)), "its 'general.type' is ''", kCorrupted},
      {"control_vector", pair(2, G::text_pair("adapter.type", "cvec")), "its 'adapter.type' is 'cvec'; it must be 'lora'", kCorrupted},
      {"adapter_type_is_number", pair(2, G::number_pair("adapter.type", 4, 1)), "its 'adapter.type' is ''", kCorrupted},
      {"alpha_is_whole", pair(3, G::number_pair("adapter.lora.alpha", 4, 16)), "it has no 'adapter.lora.alpha'", kCorrupted},
      {"alpha_is_zero", pair(3, G::number_pair("adapter.lora.alpha", 6, 0)), "it must be a number other than 0", kCorrupted},
      {"alpha_is_no_number", pair(3, G::number_pair("adapter.lora.alpha", 6, bits_of(NAN))), "it must be a number", kCorrupted},
      {"architecture", pair(0, G::text_pair("general.architecture", "deepseek2")), "adapters for 'deepseek2' are not computed"},
      {"trigger", [](G& f) { f.pairs.push_back(G::array_pair("adapter.alora.invocation_tokens", 4, 1, G::raw(7))); }, "aLoRA"},
      {"nothing", [](G& f) { f.tensors.clear(), f.data_bytes = 0; }, "it changes nothing", kCorrupted},
      {"embedding", first("token_embd.weight.lora_a"), "it changes 'token_embd.weight.lora_a', which is not computed"},
      {"norm", first("blk.0.attn_norm.weight"), "it changes 'blk.0.attn_norm.weight'"},
      {"bias", first("blk.0.attn_q.bias.lora_a"), "it changes 'blk.0.attn_q.bias.lora_a'"},
      {"router", first("blk.0.ffn_gate_inp.weight.lora_a"), "it changes 'blk.0.ffn_gate_inp.weight.lora_a'"},
      {"experts", first("blk.0.ffn_up_exps.weight.lora_a"), "it changes 'blk.0.ffn_up_exps.weight.lora_a'"},
      {"layer_only", first("blk.0"), "it changes 'blk.0'"},
      {"no_layer", first("blk."), "it changes 'blk.'"},
      {"three_dimensions", [](G& f) { f.tensors[0].shape = {8, 2, 2}; }, "has more than two dimensions"},
      {"integers", [](G& f) { f.tensors[0].type = 26; }, "is of a type other than F32, F16, BF16 and Q8_0"},
  };
}

TEST(AdapterCheck, AcceptsAGoodOne) {
  EXPECT_EQ(check_adapter(good().build()).message(), "");
  G output = good();
  output.tensors[0].name = "output.weight.lora_a";
  output.tensors[1].name = "output.weight.lora_b";
  EXPECT_EQ(check_adapter(output.build()).message(), "");
}

class AdapterFault : public ::testing::TestWithParam<Fault> {};

TEST_P(AdapterFault, IsRefusedByName) {
  G file = good();
  GetParam().change(file);
  const Status status = check_adapter(file.build());
  EXPECT_EQ(status.code(), GetParam().code) << status.message();
  EXPECT_NE(status.message().find(GetParam().says), std::string::npos) << status.message();
}

INSTANTIATE_TEST_SUITE_P(All, AdapterFault, ::testing::ValuesIn(faults()), [](const auto& one) { return one.param.name; });

TEST(AdapterCheck, DamageIsAnswered) {
  const std::vector<std::byte> whole = good().build();
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> damaged = whole;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) damaged[random() % (whole.size() - 256)] = static_cast<std::byte>(random());
    refused += check_adapter(damaged).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 10'000);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(check_adapter(std::span(whole).first(length)).ok()) << length;
  }
}

}  // namespace
}  // namespace inferno::testing
