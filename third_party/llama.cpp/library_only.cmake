# llama-cpp-python's build reads this after its project(), when told to by CMAKE_PROJECT_llama_cpp_INCLUDE (the Makefile does).
# The library of llama.cpp's programs (llama-common) is not used by libllama, libmtmd or us, and takes longer to compile than all
# that is. llama-cpp-python sets the cache's entry to ON by force; CMake (CMP0126) looks at this variable before it.
set(LLAMA_BUILD_COMMON OFF)
