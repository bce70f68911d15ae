#include "output/mailbox_sink.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace inferno {
namespace {

// DANGER: who writes to a socket that is closed at the other end gets a signal, which ends the process, unless told not to.
#ifdef MSG_NOSIGNAL
constexpr int kQuietly = MSG_NOSIGNAL | MSG_DONTWAIT;
#else
constexpr int kQuietly = MSG_DONTWAIT;
#endif

}  // namespace

MailboxSink::MailboxSink(int bell) : bell_(bell) {
#ifdef SO_NOSIGPIPE
  const int on = 1;
  (void)setsockopt(bell_, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

MailboxSink::~MailboxSink() { (void)close(bell_); }

// A socket that is full has bytes that will be read, so that one more would say nothing new.
void MailboxSink::on_step(std::vector<OutputDelta> deltas) {
  if (!mailbox_->put(std::move(deltas))) return;
  while (send(bell_, "!", 1, kQuietly) < 0 && errno == EINTR) {
  }
}

}  // namespace inferno
