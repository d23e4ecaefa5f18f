# mailroom_scenario(NAME source...): a scenario's library, which `mailroom` loads by the topology's "library": "NAME".
# The target is scenario-NAME. It is put into lib/mailroom below the build folder; in a project of your own,
# `cmake --install` puts it into lib/mailroom, where the `mailroom` program of the same prefix finds it.
function(mailroom_scenario name)
  if(NOT ARGN)
    message(FATAL_ERROR "mailroom_scenario(${name}): no source files; expected mailroom_scenario(NAME source...)")
  endif()
  add_library(scenario-${name} SHARED ${ARGN})
  set_target_properties(scenario-${name} PROPERTIES OUTPUT_NAME ${name} POSITION_INDEPENDENT_CODE ON
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/mailroom)
  target_link_libraries(scenario-${name} PUBLIC mailroom::mailroom)
  list(LENGTH ARGN files)
  if(files GREATER 3)
    target_precompile_headers(scenario-${name} PRIVATE <mailroom/mailroom.hpp>)
  endif()
  if(NOT TARGET mailroom)  # built from an installed Mailroom
    install(TARGETS scenario-${name} LIBRARY DESTINATION lib/mailroom)
  endif()
endfunction()
