// Adding a backend touches its own room and the registry's list: a toy's room, in a list beside ours, serves requests
// through the engine, is listed, and has its own options checked, with nothing else changed for it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "backends/backend_registry.h"
#include "backends/toy/toy_backend.h"
#include "engine/running.h"

namespace inferno {
namespace {

const BackendRegistry& with_toy() {
  static const BackendRegistry all({testing::toy_backend()});
  return all;
}

std::string toy_file() {
  const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();  // others run beside it
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / test;
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / "alphabet.onnx";  // names say nothing
  std::ofstream(path, std::ios::binary) << "TOY and nothing more";
  return path.string();
}

ModelOptions with(BackendOptions own) {
  ModelOptions options;
  options.backend_options = std::move(own);
  return options;
}

std::string answer(const ModelOptions& options) {
  Running running(std::shared_ptr<Model>(with_toy().load_model(toy_file(), options).value()));
  return running.run(running.request("a", 5)).text;
}

TEST(NewBackend, AnswersByItsOwnOption) {
  EXPECT_EQ(answer({}), "bcdef");
  EXPECT_EQ(answer(with({{"toy.step", "3"}})), "dgjmp");
  EXPECT_EQ(answer(with({{"toy.step", "3"}, {"toy.letters", "capital"}})), "DGJMP");
}

TEST(NewBackend, IsListedWithWhatItDeclares) {
  const std::vector<BackendInfo> all = with_toy().list();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].version, "0.1");
  EXPECT_EQ(all[0].abilities, std::vector<std::string>{"complete"});
  ASSERT_EQ(all[0].options.size(), 2U);
  EXPECT_EQ(all[0].options[0].standard, "1");
}

TEST(NewBackend, OptionsThatAreNotDeclaredOrOutOfRangeAreRefusedByName) {
  const auto refusal = [](const BackendOptions& own) { return with_toy().load_model(toy_file(), with(own)).status(); };
  for (const char* wrong : {"0", "26", "3x", "", "1.5", "99999999999999999999"}) {
    const Status status = refusal({{"toy.step", wrong}});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << wrong;
    EXPECT_EQ(status.param(), "toy.step");
    EXPECT_EQ(status.message(), "toy.step is '" + std::string(wrong) + "'; it must be a whole number from 1 to 25");
  }
  EXPECT_EQ(refusal({{"toy.letters", "greek"}}).message(), "toy.letters is 'greek'; it must be one of small, capital");
  const Status unknown = refusal({{"toy.stride", "2"}});
  EXPECT_EQ(unknown.param(), "toy.stride");
  EXPECT_EQ(unknown.message(),
            "'toy.stride' is no option of the backend toy, which computes this model; it has toy.step, toy.letters");
  EXPECT_EQ(load_model("fake:", with({{"toy.step", "2"}})).status().message(),
            "'toy.step' is no option of the backend fake, which computes this model; it has none of its own");
}

TEST(NewBackend, ItsModelsAreNotOursAndItHasNoGraphs) {
  EXPECT_EQ(load_model(toy_file(), {}).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(with_toy().load_graph(toy_file(), {}).status().message(), "'alphabet.onnx' is for the backend toy, which computes no graphs");
  EXPECT_EQ(with_toy().bring_library("toy", "libtoy.so").code(), StatusCode::kNotFound);
}

TEST(BackendOptionKinds, NumbersAndFlags) {
  const std::vector<BackendOption> declared = {{"scale", OptionKind::kNumber, "0.5", "", {}, 0, 2.5},
                                               {"fast", OptionKind::kFlag, "false", ""}};
  EXPECT_EQ(check_options("b", declared, {}).value(), (BackendOptions{{"b.scale", "0.5"}, {"b.fast", "false"}}));
  EXPECT_TRUE(check_options("b", declared, {{"b.scale", "2.5"}, {"b.fast", "true"}}).ok());
  for (const char* wrong : {"2.6", "nan", "inf", "-0.1", "1e"}) {
    EXPECT_EQ(check_options("b", declared, {{"b.scale", wrong}}).status().message(),
              "b.scale is '" + std::string(wrong) + "'; it must be a number from 0 to 2.5");
  }
  EXPECT_EQ(check_options("b", declared, {{"b.fast", "yes"}}).status().message(), "b.fast is 'yes'; it must be true or false");
}

}  // namespace
}  // namespace inferno
