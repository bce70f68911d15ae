#include "memory/new_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace inferno {
namespace {

class NewFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / (std::string("new_file_secret_") + test->name());
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "model.gguf").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
  [[nodiscard]] std::string content() const {
    std::ostringstream all;
    all << std::ifstream(path_, std::ios::binary).rdbuf();
    return all.str();
  }
  [[nodiscard]] bool empty_folder() const { return std::filesystem::is_empty(folder_); }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(NewFileTest, HasItsNameOnlyWhenItIsWhole) {
  {
    Result<NewFile> file = NewFile::create(path_, 10);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_TRUE(file.value().write(6, bytes("last")).ok());
    EXPECT_TRUE(file.value().write(0, bytes("first")).ok());
    EXPECT_FALSE(std::filesystem::exists(path_));
    ASSERT_TRUE(file.value().commit().ok());
  }
  EXPECT_EQ(content(), std::string("first\0last", 10));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".part"));
}

TEST_F(NewFileTest, GivenUpItWasNeverThere) {
  {
    Result<NewFile> file = NewFile::create(path_, 10);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file.value().write(0, bytes("first")).ok());
  }
  EXPECT_TRUE(empty_folder());
}

TEST_F(NewFileTest, ReplacesWhatHadItsName) {
  std::ofstream(path_) << "old and longer";
  Result<NewFile> file = NewFile::create(path_, 3);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file.value().write(0, bytes("new")).ok());
  EXPECT_EQ(content(), "old and longer");
  ASSERT_TRUE(file.value().commit().ok());
  EXPECT_EQ(content(), "new");
}

TEST_F(NewFileTest, TakesOverWhatAKilledProcessLeft) {
  std::ofstream(path_ + ".part") << "remains of another time";
  Result<NewFile> file = NewFile::create(path_, 4);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file.value().commit().ok());
  EXPECT_EQ(content(), std::string(4, '\0'));
}

TEST_F(NewFileTest, OnlyOneWritesAFileAtATime) {
  Result<NewFile> first = NewFile::create(path_, 3);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first.value().write(0, bytes("one")).ok());
  const Status second = NewFile::create(path_, 3).status();
  EXPECT_EQ(second.code(), StatusCode::kUnavailable);
  EXPECT_EQ(second.message(), "file 'model.gguf' cannot be written: another process is writing it");
  ASSERT_TRUE(first.value().commit().ok());
  EXPECT_EQ(content(), "one");
}

TEST_F(NewFileTest, SaysWhenTheDiskHasNoRoom) {
  const Status status = NewFile::create(path_, 1ULL << 55).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("it needs 36028797018963968 bytes and the disk has"), std::string::npos)
      << status.message();
  EXPECT_TRUE(empty_folder());
}

TEST_F(NewFileTest, RefusesWhatIsNoPlaceForAFile) {
  const std::string nowhere = (folder_ / "none" / "model.gguf").string();
  EXPECT_EQ(NewFile::create(nowhere, 3).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(NewFile::create(std::string("a\0b", 3), 3).status().code(), StatusCode::kInvalidArgument);
  std::filesystem::create_symlink(folder_ / "elsewhere", path_ + ".part");
  const Status linked = NewFile::create(path_, 3).status();
  EXPECT_EQ(linked.code(), StatusCode::kUnavailable);
  EXPECT_EQ(linked.message().find("secret"), std::string::npos) << linked.message();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

}  // namespace
}  // namespace inferno
