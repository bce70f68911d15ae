// A device of ggml's that computes products of Q8_0 weights with several rows (int8_matmul.h) and attention (attention.h);
// all else stays with the CPU's.
#pragma once

namespace inferno {

// Makes ggml use it for every context that is made from now on, where the processor and this ggml allow it; otherwise
// nothing. Once per process, after ggml's own backends are there.
void add_int8_device();

// From now on it takes no operation any more. For the whole process; see use_plain_kernels().
void retire_int8_device();

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
