// Running: an engine on the fake model, as a test uses it. At its end nothing may be left over and the books must hold.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "backends/backend_registry.h"
#include "engine/collecting_sink.h"
#include "engine/engine.h"

namespace inferno {

struct Running {
  explicit Running(const std::string& path = "fake:", ModelOptions options = {}, EngineConfig config = {})
      : Running(std::shared_ptr<Model>(load_model(path, options).value()), config) {}
  explicit Running(std::shared_ptr<Model> loaded, EngineConfig config = {}) : model(std::move(loaded)) {
    engine = Engine::create(model, config, sink, clock).value();
  }
  ~Running() {
    engine->stop();
    const Status books = engine->check_invariants();
    EXPECT_TRUE(books.ok()) << books.message();
    EXPECT_EQ(engine->stats().cache.leases, 0);
    EXPECT_EQ(engine->stats().requests_running, 0);
    EXPECT_EQ(engine->stats().requests_waiting, 0);
  }

  Request request(const std::string& prompt, std::int32_t max_tokens = 40) const {
    Request r;
    r.tenant = "a";
    r.prompt = model->tokenizer().encode(prompt).value();
    r.max_tokens = max_tokens;
    r.sampling.temperature = 0;
    r.ignore_eos = true;
    return r;
  }
  Collected run(Request r) {
    const RequestId id = engine->submit(std::move(r)).value();
    sink.wait_finished(++waited);
    return sink.of(id);
  }

  SteadyClock clock;
  CollectingSink sink;
  std::shared_ptr<Model> model;
  std::unique_ptr<Engine> engine;
  std::size_t waited = 0;
};

}  // namespace inferno
