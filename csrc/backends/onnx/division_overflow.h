// The one division of whole numbers that has no result: the lowest one by -1. ONNX Runtime's Div does it where a request's
// numbers ask for it, and x86 answers with SIGFPE, which ends the process. Other processors give the lowest number back;
// with this, so does x86.
#pragma once

namespace inferno {

// In the library that `code` lies in, for the rest of the process. What else raises SIGFPE goes to whoever had the signal
// before. Does nothing on processors and systems where it is not needed or not known how. Thread-safe.
void let_divisions_overflow(const void* code);

}  // namespace inferno
