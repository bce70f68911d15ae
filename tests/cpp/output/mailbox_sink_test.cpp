#include "output/mailbox_sink.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace inferno {
namespace {

OutputDelta delta(std::uint64_t request) {
  OutputDelta made;
  made.request = RequestId{request};
  made.text = "a";
  return made;
}

class MailboxSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ear_ = ends[0];
    sink_ = std::make_unique<MailboxSink>(ends[1]);
  }
  void TearDown() override {
    if (ear_ >= 0) close(ear_);
  }
  // How often it rang since the last time; -1 at the end of the stream.
  int heard() const {
    std::array<char, 16> bytes{};
    const ssize_t found = recv(ear_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (found == 0) return -1;
    return found < 0 ? 0 : static_cast<int>(found);
  }

  int ear_ = -1;
  std::unique_ptr<MailboxSink> sink_;
};

TEST_F(MailboxSinkTest, RingsWhenTheBoxWasEmptyAndNotAgainBeforeItWasTaken) {
  EXPECT_EQ(heard(), 0);
  sink_->on_step(std::vector{delta(1)});
  sink_->on_step(std::vector{delta(2)});
  EXPECT_EQ(heard(), 1);
  EXPECT_EQ(sink_->mailbox()->take().deltas.size(), 2u);
  sink_->on_step(std::vector{delta(1)});
  EXPECT_EQ(heard(), 1);
}

TEST_F(MailboxSinkTest, WhoHearsReadsTheEndWhenItGoes) {
  sink_->on_step(std::vector{delta(1)});
  const std::shared_ptr<DeltaMailbox> box = sink_->mailbox();
  sink_.reset();
  EXPECT_EQ(heard(), 1);
  EXPECT_EQ(heard(), -1);
  EXPECT_EQ(box->take().deltas.size(), 1u);
}

TEST_F(MailboxSinkTest, NobodyHearingItIsNoFailure) {
  close(std::exchange(ear_, -1));
  sink_->on_step(std::vector{delta(1)});
  EXPECT_EQ(sink_->mailbox()->take().deltas.size(), 1u);
}

TEST_F(MailboxSinkTest, NothingIsLostBetweenAThreadThatPutsAndOneThatTakes) {
  constexpr int kDeltas = 20000;
  std::thread putting([this] {
    for (int i = 0; i < kDeltas; ++i) sink_->on_step(std::vector{delta(1)});
  });
  std::size_t letters = 0;
  std::array<char, 16> bytes{};
  while (letters < kDeltas) {
    ASSERT_GT(recv(ear_, bytes.data(), bytes.size(), 0), 0);
    for (const OutputDelta& taken : sink_->mailbox()->take().deltas) letters += taken.text.size();
  }
  putting.join();
}

}  // namespace
}  // namespace inferno
