# Warnings live on one INTERFACE target, linked by our own code only.
add_library(inferno_warnings INTERFACE)
if(MSVC)
  target_compile_options(inferno_warnings INTERFACE /W4 $<$<BOOL:${INFERNO_WARNINGS_AS_ERRORS}>:/WX>)
else()
  target_compile_options(inferno_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    # gcc 12 sees overlapping copies in std::string concatenation that are not there (GCC bug 105329).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${INFERNO_WARNINGS_AS_ERRORS}>:-Werror>)
endif()
