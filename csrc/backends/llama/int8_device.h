// A device of ggml's that computes products of some formats of weights with several rows (int8_matmul.h), of BF16 and F16 weights
// where that pays (half_matmul.h), and attention (attention.h); all else stays with the CPU's.
#pragma once

namespace inferno {

// Makes ggml use it for every context that is made from now on, where the processor and this ggml allow it; otherwise
// nothing. Once per process, after ggml's own backends are there.
void add_int8_device();

// While there is one on a thread, the device takes all that it can of what that thread has computed, also where ggml is as
// fast: its kernels compute row by row, so that a row comes out the same to the last bit whatever is computed beside it.
class Int8Always {
 public:
  Int8Always();
  ~Int8Always();
  Int8Always(const Int8Always&) = delete;
  Int8Always& operator=(const Int8Always&) = delete;

  // Whether there was attention since it was made, and the device took all of it.
  [[nodiscard]] bool took_attention() const;
};

// While there is one on a thread, weights that the device takes products of stay as the file has them in the models that this
// thread loads. Otherwise ggml would copy some formats into an order that only its own kernels read (CPU_REPACK).
class FileOrder {
 public:
  FileOrder();
  ~FileOrder();
  FileOrder(const FileOrder&) = delete;
  FileOrder& operator=(const FileOrder&) = delete;
};

// While there is one on a thread, the device takes no attention from that thread. When llama.cpp makes a context, it looks
// whether attention is computed where the layer's weights are, and else gives flash attention up.
class AttentionPause {
 public:
  AttentionPause();
  ~AttentionPause();
  AttentionPause(const AttentionPause&) = delete;
  AttentionPause& operator=(const AttentionPause&) = delete;
};

}  // namespace inferno
