// MailboxSink: puts what comes out of the engine into a mailbox, and rings for whoever empties it: a byte into a socket
// that an event loop watches. So the output thread waits for nobody, and for no interpreter's lock either: it goes on
// while the loop is busy, which finds all that came meanwhile in one call.
#pragma once

#include <memory>
#include <vector>

#include "output/delta_mailbox.h"
#include "output/output_sink.h"

namespace inferno {

class MailboxSink final : public OutputSink {
 public:
  // Takes over `bell`, one end of a pair of stream sockets; the other reads the end of the stream when this goes.
  explicit MailboxSink(int bell);
  ~MailboxSink() override;
  MailboxSink(const MailboxSink&) = delete;
  MailboxSink& operator=(const MailboxSink&) = delete;

  // Rings when the box was empty, and not again before it was. A bell that nobody hears any more is no failure.
  void on_step(std::vector<OutputDelta> deltas) override;

  [[nodiscard]] const std::shared_ptr<DeltaMailbox>& mailbox() const { return mailbox_; }

 private:
  const int bell_;
  const std::shared_ptr<DeltaMailbox> mailbox_ = std::make_shared<DeltaMailbox>();
};

}  // namespace inferno
