# What the wheel carries in inferno/_libs: libllama, libmtmd and every libggml*, each once, under the name the others
# load it by (its SONAME). A pip install of llama-cpp-python holds three copies of each; the common library is not
# used.
if(WIN32)
  set(patterns ${LLAMA_BIN_DIR}/llama.dll ${LLAMA_BIN_DIR}/mtmd.dll ${LLAMA_BIN_DIR}/ggml*.dll)
  set(versioned "^$")
elseif(APPLE)
  set(patterns ${LLAMA_LIB_DIR}/libllama*.dylib ${LLAMA_LIB_DIR}/libmtmd*.dylib ${LLAMA_LIB_DIR}/libggml*.dylib ${LLAMA_BIN_DIR}/libggml*.so)
  set(versioned "\\.[0-9]+\\.dylib$")
else()
  # Backends that are opened at run time (GGML_BACKEND_DL) are installed beside programs and have no version.
  set(patterns ${LLAMA_LIB_DIR}/libllama.so* ${LLAMA_LIB_DIR}/libmtmd.so* ${LLAMA_LIB_DIR}/libggml*.so* ${LLAMA_BIN_DIR}/libggml*.so)
  set(versioned "\\.so\\.[0-9]+$")
endif()

file(GLOB candidates ${patterns})
list(FILTER candidates EXCLUDE REGEX "llama-common")
set(carried "")
foreach(candidate IN LISTS candidates)
  get_filename_component(file_name ${candidate} NAME)
  string(REGEX REPLACE "(\\.[0-9]+)*\\.(so|dylib|dll)(\\.[0-9]+)*$" "" stem ${file_name})
  # A name with the major version alone is the SONAME; a name without any version counts when there is no other.
  if(file_name MATCHES "${versioned}" AND NOT file_name MATCHES "\\.[0-9]+\\.[0-9]+\\.")
    set(library_${stem} ${candidate})
  elseif(NOT DEFINED library_${stem} AND NOT file_name MATCHES "\\.[0-9]+")
    set(library_${stem} ${candidate})
  endif()
  if(DEFINED library_${stem})
    list(APPEND carried ${stem})
  endif()
endforeach()
list(REMOVE_DUPLICATES carried)

foreach(stem IN LISTS carried)
  get_filename_component(file_name ${library_${stem}} NAME)
  file(REAL_PATH ${library_${stem}} real_file)
  install(PROGRAMS ${real_file} DESTINATION inferno/_libs RENAME ${file_name} COMPONENT python)
endforeach()
