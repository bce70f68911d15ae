// OnnxGraphModel: any ONNX graph, computed as it is.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/graph_model.h"
#include "backends/onnx/onnx_header.h"
#include "backends/onnx/onnx_session.h"

namespace inferno {

class OnnxGraphModel final : public GraphModel {
 public:
  OnnxGraphModel(std::unique_ptr<OnnxSession> session, GraphInfo info) : session_(std::move(session)), info_(std::move(info)) {}

  [[nodiscard]] const GraphInfo& info() const override { return info_; }
  [[nodiscard]] Result<std::vector<GraphTensor>> run(const std::vector<GraphTensor>& inputs,
                                                     const std::vector<std::string>& outputs,
                                                     const std::stop_token& stop) const override;
  // Says so in info() where rows are found not to depend on each other.
  void try_batches();

 private:
  [[nodiscard]] Result<OrtValueHandle> given(const GraphTensor& input) const;
  [[nodiscard]] Result<GraphTensor> taken(const std::string& name, OrtValue* value) const;

  std::unique_ptr<OnnxSession> session_;
  GraphInfo info_;
};

// `header` is that of the file at `path`. Of the options it reads threads and kOnnxProvider. kUnsupported (an input that is no
// tensor, or of a type that nobody can send), and what OnnxSession::open refuses.
[[nodiscard]] Result<std::unique_ptr<GraphModel>> load_onnx_graph(const std::string& path, const OnnxHeader& header,
                                                                  const ModelOptions& options);

}  // namespace inferno
