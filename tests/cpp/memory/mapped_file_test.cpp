#include "memory/mapped_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace inferno {
namespace {

class MappedFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / (std::string("mapped_file_secret_") + test->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  static std::string text(const MappedFile& file) {
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
  }

  static void expect_refused(const std::string& path, StatusCode code, const std::string& name) {
    const Result<MappedFile> file = MappedFile::open(path);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.status().code(), code) << file.status().message();
    EXPECT_NE(file.status().message().find(name), std::string::npos) << file.status().message();
    EXPECT_EQ(file.status().message().find("secret"), std::string::npos) << file.status().message();
  }

  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, ShowsTheBytesOfTheFile) {
  std::string content(100'000, 'x');
  content[0] = '\0';
  content.back() = 'e';
  const Result<MappedFile> file = MappedFile::open(write("model.bin", content));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(text(file.value()), content);
}

TEST_F(MappedFileTest, HasTheSameBytesWhateverIsFetchedAndForgotten) {
  const std::string content(100'000, 'x');
  const Result<MappedFile> file = MappedFile::open(write("model.bin", content));
  ASSERT_TRUE(file.ok());
  for (const auto part : {file.value().bytes(), file.value().bytes().subspan(5000, 50'000), file.value().bytes().first(0)}) {
    MappedFile::fetch(part);
    EXPECT_EQ(text(file.value()), content);
    MappedFile::forget(part);
    EXPECT_EQ(text(file.value()), content);
  }
}

TEST_F(MappedFileTest, OutlivesItsName) {
  const std::string path = write("model.bin", "content");
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  std::filesystem::remove(path);
  EXPECT_EQ(text(file.value()), "content");
}

TEST_F(MappedFileTest, MovesAndLeavesNothingBehind) {
  MappedFile first = std::move(MappedFile::open(write("a", "first"))).value();
  MappedFile second = std::move(MappedFile::open(write("b", "second"))).value();
  MappedFile moved = std::move(first);
  EXPECT_TRUE(first.bytes().empty());  // NOLINT(bugprone-use-after-move): moved-from files are empty
  EXPECT_EQ(text(moved), "first");
  moved = std::move(second);
  EXPECT_EQ(text(moved), "second");
}

TEST_F(MappedFileTest, RefusesWhatIsNotThere) {
  expect_refused((folder_ / "missing.gguf").string(), StatusCode::kNotFound, "'missing.gguf'");
  expect_refused((folder_ / "no_folder" / "missing.gguf").string(), StatusCode::kNotFound, "'missing.gguf'");
  expect_refused(write("file", "x") + "/below", StatusCode::kNotFound, "'below'");
  expect_refused("", StatusCode::kNotFound, "''");
}

TEST_F(MappedFileTest, RefusesAnEmptyFile) {
  expect_refused(write("empty.gguf", ""), StatusCode::kInvalidArgument, "'empty.gguf' is empty");
}

TEST_F(MappedFileTest, RefusesAFolder) {
  std::filesystem::create_directories(folder_ / "folder");
  expect_refused((folder_ / "folder").string(), StatusCode::kInvalidArgument, "'folder' is not a regular file");
  expect_refused((folder_ / "folder").string() + "/", StatusCode::kInvalidArgument, "'folder' is not a regular file");
}

TEST_F(MappedFileTest, RefusesADeviceAtOnce) {
  expect_refused("/dev/null", StatusCode::kInvalidArgument, "'null' is not a regular file");
}

TEST_F(MappedFileTest, RefusesANameCutShortByANul) {
  std::string path = write("a", "content");
  path += '\0';
  path += ".gguf";
  expect_refused(path, StatusCode::kInvalidArgument, "NUL");
}

TEST_F(MappedFileTest, NamesTheSystemsReason) {
  const std::filesystem::path loop = folder_ / "loop";
  std::filesystem::create_symlink(loop, loop);
  expect_refused(loop.string(), StatusCode::kUnavailable, "'loop' cannot be mapped: Too many levels");
}

}  // namespace
}  // namespace inferno
