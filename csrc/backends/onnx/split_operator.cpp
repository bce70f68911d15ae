#include "backends/onnx/split_operator.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

#include "backends/onnx/ort_status.h"

namespace inferno {
namespace {

constexpr int kFloat = static_cast<int>(OrtElement::kFloat);
constexpr int kFailed = 1;         // OrtErrorCode
constexpr int kIntAttribute = 1;   // OrtOpAttrType
constexpr std::size_t kAloneNumbers = std::size_t{1} << 20;  // products of so many multiplications are not worth a second thread
constexpr std::size_t kPartStrips = 4;  // columns of a part are at least so many: each part splits its rows anew

struct Tensor {
  const float* numbers = nullptr;
  std::vector<std::int64_t> shape;
};

Result<Tensor> input_of(const OrtApi& api, const OrtKernelContext* context) {
  const OrtValue* value = nullptr;
  OrtTensorInfo* made = nullptr;
  std::size_t rank = 0;
  Tensor tensor;
  if (Status status = ort_status(api, api.kernel_input(context, 0, &value)); !status.ok()) return status;
  if (Status status = ort_status(api, api.tensor_info(value, &made)); !status.ok()) return status;
  const auto info = owned(made, api.release_tensor_info);
  if (Status status = ort_status(api, api.rank(made, &rank)); !status.ok()) return status;
  tensor.shape.resize(rank);
  if (Status status = ort_status(api, api.dimensions(made, tensor.shape.data(), rank)); !status.ok()) return status;
  void* data = nullptr;
  if (Status status = ort_status(api, api.tensor_data(const_cast<OrtValue*>(value), &data)); !status.ok()) return status;
  tensor.numbers = static_cast<const float*>(data);
  return tensor;
}

}  // namespace

struct SplitOperator::Kernel {
  const SplitOperator& operation;
  const SplitMatrix& matrix;
};

// A product in parts: some rows, and some strips of columns.
struct SplitOperator::Work {
  const SplitMatrix& matrix;
  const float* numbers;
  float* products;
  std::size_t rows;
  std::size_t column_parts;
  std::atomic<bool> failed{false};

  [[nodiscard]] std::size_t row_parts() const { return (rows + SplitMatrix::kPartRows - 1) / SplitMatrix::kPartRows; }

  static void part(void* work, std::size_t number) noexcept {
    auto& all = *static_cast<Work*>(work);
    const std::size_t row = number / all.column_parts * SplitMatrix::kPartRows;
    const std::size_t column = number % all.column_parts;
    const std::size_t strips = all.matrix.strips();
    try {
      all.matrix.multiply(all.numbers + row * all.matrix.rows(), std::min(SplitMatrix::kPartRows, all.rows - row),
                          strips * column / all.column_parts, strips * (column + 1) / all.column_parts,
                          all.products + row * all.matrix.columns());
    } catch (const std::bad_alloc&) {
      all.failed = true;
    }
  }
};

Result<std::unique_ptr<SplitOperator>> SplitOperator::create(const OrtApi& api, std::vector<SplitWeight> weights, int threads) {
  std::unique_ptr<SplitOperator> made(new SplitOperator(api, std::move(weights), threads));
  OrtCustomDomain* domain = nullptr;
  if (Status status = ort_status(api, api.create_custom_domain(kSplitDomain, &domain)); !status.ok()) return status;
  made->domain_ = owned(domain, api.release_custom_domain);
  if (Status status = ort_status(api, api.add_custom_operator(domain, made.get())); !status.ok()) return status;
  return made;
}

SplitOperator::SplitOperator(const OrtApi& api, std::vector<SplitWeight> weights, int threads)
    : api_(api), weights_(std::move(weights)), matrices_(weights_.size()), threads_(static_cast<std::size_t>(threads)) {
  const auto one = [](const OrtCustomOperator*) { return std::size_t{1}; };
  const auto floats = [](const OrtCustomOperator*, std::size_t) { return kFloat; };
  const auto none = [](const OrtCustomOperator*, std::size_t) { return 0; };  // required, of the memory that there is
  const auto first = [](const OrtCustomOperator*) { return 1; };
  name = [](const OrtCustomOperator*) { return kSplitType; };
  provider = [](const OrtCustomOperator*) { return "CPUExecutionProvider"; };
  input_count = output_count = one;
  input_element = output_element = floats;
  input_characteristic = output_characteristic = input_memory = none;
  least_variadic_inputs = variadic_inputs_alike = least_variadic_outputs = variadic_outputs_alike = first;
  first_version = last_version = first;
  create_kernel = [](const OrtCustomOperator* operation, const void*, const OrtKernelInfo* info, void** kernel) -> OrtStatus* {
    // ONNX Runtime keeps it as const; it is ours, and no constant.
    auto& self = static_cast<SplitOperator&>(const_cast<OrtCustomOperator&>(*operation));
    std::int64_t number = 0;
    if (OrtStatus* answer = self.api_.kernel_attribute(info, kSplitWeight, &number); answer != nullptr) return answer;
    try {
      const SplitMatrix* found = self.matrix(number);
      if (found == nullptr) return self.failed("a product's weights are not there");
      *kernel = new Kernel{self, *found};
      return nullptr;
    } catch (const std::bad_alloc&) {
      return self.failed("no memory is left for the weights of a product");
    }
  };
  destroy_kernel = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  compute = [](void* kernel, OrtKernelContext* context) -> OrtStatus* {
    const auto& [self, weights_of] = *static_cast<const Kernel*>(kernel);
    try {
      const Status status = self.compute_rows(weights_of, context);
      return status.ok() ? nullptr : self.failed(status.message().c_str());
    } catch (const std::bad_alloc&) {
      return self.failed("no memory is left for a product");
    }
  };
  infer_shape = [](const OrtCustomOperator* operation, OrtShapeContext* context) -> OrtStatus* {
    const auto& self = static_cast<const SplitOperator&>(*operation);
    try {
      const Status status = self.infer(context);
      return status.ok() ? nullptr : self.failed(status.message().c_str());
    } catch (const std::bad_alloc&) {
      return self.failed("no memory is left for a shape");
    }
  };
}

OrtStatus* SplitOperator::failed(const char* why) const { return api_.create_status(kFailed, why); }

const SplitMatrix* SplitOperator::matrix(std::int64_t number) {
  if (number < 0 || static_cast<std::size_t>(number) >= weights_.size()) return nullptr;
  auto& packed = matrices_[static_cast<std::size_t>(number)];
  const SplitWeight& weight = weights_[static_cast<std::size_t>(number)];
  if (packed == nullptr) packed = std::make_unique<const SplitMatrix>(weight.numbers, weight.rows, weight.columns);
  return packed.get();
}

// The graph's other operators are fused by what is known of shapes.
Status SplitOperator::infer(OrtShapeContext* context) const {
  const auto ok = [this](OrtStatus* answer) { return ort_status(api_, answer); };
  const OrtAttribute* attribute = nullptr;
  std::int64_t number = 0;
  std::size_t size = 0;
  if (Status status = ok(api_.shape_attribute(context, kSplitWeight, &attribute)); !status.ok()) return status;
  if (Status status = ok(api_.read_attribute(attribute, kIntAttribute, &number, sizeof(number), &size)); !status.ok()) return status;
  if (number < 0 || static_cast<std::size_t>(number) >= weights_.size()) return {};  // told when its kernel is made
  OrtTensorInfo* input = nullptr;  // the context's
  std::size_t rank = 0;
  if (Status status = ok(api_.shape_of_input(context, 0, &input)); !status.ok()) return status;
  if (Status status = ok(api_.rank(input, &rank)); !status.ok() || rank == 0) return status;
  std::vector<std::int64_t> shape(rank);
  std::vector<const char*> symbols(rank, "");
  if (Status status = ok(api_.dimensions(input, shape.data(), rank)); !status.ok()) return status;
  if (Status status = ok(api_.symbolic_dimensions(input, symbols.data(), rank)); !status.ok()) return status;
  for (std::size_t i = 0; i + 1 < rank; ++i) {
    if (shape[i] < 0 && *symbols[i] == '\0') return {};  // open and without a name: there is no word for it
  }
  shape.back() = static_cast<std::int64_t>(weights_[static_cast<std::size_t>(number)].columns);
  symbols.back() = "";
  OrtTensorInfo* made = nullptr;
  if (Status status = ok(api_.create_tensor_info(&made)); !status.ok()) return status;
  const auto output = owned(made, api_.release_tensor_info);
  if (Status status = ok(api_.set_tensor_element(made, kFloat)); !status.ok()) return status;
  if (Status status = ok(api_.set_dimensions(made, shape.data(), rank)); !status.ok()) return status;
  if (Status status = ok(api_.set_symbolic_dimensions(made, symbols.data(), rank)); !status.ok()) return status;
  return ok(api_.set_shape_of_output(context, 0, made));
}

Status SplitOperator::compute_rows(const SplitMatrix& matrix, OrtKernelContext* context) const {
  Result<Tensor> input = input_of(api_, context);
  if (!input.ok()) return input.status();
  std::vector<std::int64_t> shape = std::move(input.value().shape);
  if (shape.empty() || shape.back() != static_cast<std::int64_t>(matrix.rows())) {
    return Status(StatusCode::kInvalidArgument, "a product's rows have " + std::to_string(shape.empty() ? 1 : shape.back()) +
                                                    " numbers; its weights need " + std::to_string(matrix.rows()));
  }
  std::size_t rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) rows *= static_cast<std::size_t>(shape[i]);
  shape.back() = static_cast<std::int64_t>(matrix.columns());
  OrtValue* output = nullptr;
  void* products = nullptr;
  if (Status status = ort_status(api_, api_.kernel_output(context, 0, shape.data(), shape.size(), &output)); !status.ok()) return status;
  if (Status status = ort_status(api_, api_.tensor_data(output, &products)); !status.ok() || rows == 0) return status;

  Work work{matrix, input.value().numbers, static_cast<float*>(products), rows, 1};
  if (rows * matrix.rows() * matrix.columns() > kAloneNumbers && work.row_parts() < threads_) {
    const std::size_t wanted = (threads_ + work.row_parts() - 1) / work.row_parts();
    work.column_parts = std::clamp<std::size_t>(matrix.strips() / kPartStrips, 1, wanted);
  }
  const std::size_t parts = work.row_parts() * work.column_parts;
  if (parts == 1) {
    Work::part(&work, 0);
  } else if (Status status = ort_status(api_, api_.parallel_for(context, &Work::part, parts, 0, &work)); !status.ok()) {
    return status;
  }
  return work.failed ? Status(StatusCode::kOutOfMemory, "no memory is left for a product") : Status();
}

}  // namespace inferno
