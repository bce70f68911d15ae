# Sets LLAMA_BUILD_COMMIT, LLAMA_BUILD_NUMBER, LLAMA_LIB_DIR, LLAMA_BIN_DIR and the imported target llama, from the
# first of: INFERNO_LLAMA_ROOT; CMake's search path (where an isolated pip build puts its build requirements); the
# site-packages of a Python that has llama-cpp-python.
if(INFERNO_LLAMA_ROOT)
  find_package(llama CONFIG QUIET PATHS ${INFERNO_LLAMA_ROOT} NO_DEFAULT_PATH)
  if(NOT llama_FOUND)
    message(FATAL_ERROR "INFERNO_LLAMA_ROOT is '${INFERNO_LLAMA_ROOT}', "
      "which holds no lib/cmake/llama/llama-config.cmake.")
  endif()
  return()
endif()

find_package(llama CONFIG QUIET)
if(llama_FOUND)
  return()
endif()

set(python ${Python_EXECUTABLE})
if(NOT python)
  find_program(INFERNO_PYTHON_FOR_LLAMA NAMES python3 python)
  set(python ${INFERNO_PYTHON_FOR_LLAMA})
endif()
set(site "")
if(python)
  execute_process(
    COMMAND ${python} -c "import importlib.metadata as m; print(m.distribution('llama-cpp-python').locate_file(''))"
    OUTPUT_VARIABLE site OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(site)
  find_package(llama CONFIG QUIET PATHS ${site} NO_DEFAULT_PATH)
endif()
if(NOT llama_FOUND)
  message(FATAL_ERROR "No llama.cpp found. Either 'pip install llama-cpp-python==${package_version}' in the "
    "Python on PATH (or name one with -DPython_EXECUTABLE=), or point -DINFERNO_LLAMA_ROOT= at an install of "
    "llama.cpp, or build without GGUF support: -DINFERNO_WITH_LLAMA=OFF.")
endif()
