#include "backends/onnx/onnx_graph.h"

#include <string>
#include <unordered_map>

#include "backends/shown.h"

namespace inferno {
namespace {

using Producers = std::unordered_map<std::string_view, std::size_t>;

Status corrupted(std::string message) { return Status(StatusCode::kDataCorrupted, std::move(message)); }

std::string called(const OnnxNode& node) {
  return "node " + shown(node.name.empty() && !node.gives.empty() ? node.gives.front() : node.name) + " (" +
         shown(node.type) + ")";
}

Result<Producers> producers_of(const OnnxGraph& graph) {
  Producers producers;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string_view name : graph.nodes[i].gives) {
      if (name.empty()) continue;  // an output that nobody wants
      if (graph.given.contains(name) || !producers.emplace(name, i).second) {
        return corrupted("the value " + shown(name) + " is given twice, the second time by " + called(graph.nodes[i]));
      }
    }
  }
  return producers;
}

// Takes nodes whose inputs are there, until none is left (Kahn). Files have them in such an order, but need not.
Status check_order(const OnnxGraph& graph, const Producers& producers) {
  std::vector<std::vector<std::size_t>> followers(graph.nodes.size());
  std::vector<std::size_t> lacking(graph.nodes.size(), 0);
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string_view name : graph.nodes[i].takes) {
      const auto from = producers.find(name);
      if (from == producers.end()) continue;
      followers[from->second].push_back(i);
      ++lacking[i];
    }
    if (lacking[i] == 0) ready.push_back(i);
  }
  std::size_t taken = 0;
  while (!ready.empty()) {
    const std::size_t node = ready.back();
    ready.pop_back();
    ++taken;
    for (const std::size_t follower : followers[node]) {
      if (--lacking[follower] == 0) ready.push_back(follower);
    }
  }
  if (taken == graph.nodes.size()) return {};
  std::size_t stuck = 0;
  while (lacking[stuck] == 0) ++stuck;
  return corrupted("the graph has a cycle: " + called(graph.nodes[stuck]) + " waits for a result of its own");
}

}  // namespace

Result<std::vector<std::string_view>> outside_names(const OnnxGraph& graph) {
  const Result<Producers> producers = producers_of(graph);
  if (!producers.ok()) return producers.status();
  if (Status status = check_order(graph, producers.value()); !status.ok()) return status;
  std::vector<std::string_view> outside;
  std::unordered_set<std::string_view> seen;
  const auto look = [&](std::string_view name) {
    if (name.empty() || graph.given.contains(name) || producers.value().contains(name)) return;
    if (seen.insert(name).second) outside.push_back(name);
  };
  for (const OnnxNode& node : graph.nodes) {
    for (const std::string_view name : node.takes) look(name);
  }
  for (const std::string_view name : graph.outputs) look(name);
  return outside;
}

Status check_onnx_graph(const OnnxGraph& graph) {
  const Result<std::vector<std::string_view>> outside = outside_names(graph);
  if (!outside.ok()) return outside.status();
  if (outside.value().empty()) return {};
  const std::string_view lacking = outside.value().front();
  for (const OnnxNode& node : graph.nodes) {
    for (const std::string_view name : node.takes) {
      if (name == lacking) return corrupted(called(node) + " takes " + shown(name) + ", which nothing gives");
    }
  }
  return corrupted("the graph's output " + shown(lacking) + " is given by nothing");
}

}  // namespace inferno
