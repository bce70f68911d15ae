// llama.cpp as a library in this process: started once, its log lines passed on, its devices named.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace inferno {

// Thread-safe, does its work once: forwards logs, starts llama.cpp and, when its compute libraries are separate files,
// opens those beside libllama (only there: never from the working folder). Called by every function below.
void start_llama();

// e.g. "0.5.0-dev (commit 0c1e570)".
[[nodiscard]] std::string llama_version_text();

// Every device llama.cpp sees, e.g. "CPU (AMD EPYC 9R14)". Not empty in a working build.
[[nodiscard]] std::vector<std::string> llama_devices();
// The GPUs among them.
[[nodiscard]] std::vector<std::string> llama_gpus();

// The first error line llama.cpp logged on this thread since the last call: the lines after it only say that something
// failed. Without the name of llama.cpp's function in front.
[[nodiscard]] std::string take_llama_error();

// What llama_decode() or llama_encode() came to, which `computation` calls and whose code it returns. Does not throw what they do.
[[nodiscard]] Status status_of(const std::function<std::int32_t()>& computation);

// Switches off ggml's tiled matrix kernels of the K and I formats, which it takes from some number of rows on: its row by
// row kernels stay. For the whole process, and without effect once anything has been computed in it.
void use_plain_kernels();

}  // namespace inferno
