# inferno_room(NAME [SOURCES ...] [DEPS rooms...] [LIBS targets...]): one static library per room. A room that includes a
# header of a room it does not name in DEPS fails tools/check_includes.py, and fails to link if it uses its symbols.
find_package(Threads REQUIRED)

function(inferno_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(inferno_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(inferno_${name} PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
  list(TRANSFORM ROOM_DEPS PREPEND inferno_)
  target_link_libraries(inferno_${name} PUBLIC ${ROOM_DEPS} Threads::Threads PRIVATE ${ROOM_LIBS} inferno_warnings)
endfunction()
