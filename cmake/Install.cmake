# `cmake --install build/release --prefix DIR`: the program, what scenarios are built with (find_package(mailroom)), and the
# topology's schema for editors. The engine's own headers and libraries stay here.
include(CMakePackageConfigHelpers)
set(package_folder lib/cmake/mailroom)
install(TARGETS mailroom EXPORT mailroomTargets LIBRARY DESTINATION lib INCLUDES DESTINATION include)
install(DIRECTORY actors/mailroom DESTINATION include FILES_MATCHING PATTERN "*.hpp")
install(TARGETS mailroom-program RUNTIME DESTINATION bin)
install(FILES docs/topology.schema.json DESTINATION share/mailroom)
install(EXPORT mailroomTargets NAMESPACE mailroom:: DESTINATION ${package_folder})
configure_package_config_file(cmake/mailroomConfig.cmake.in ${CMAKE_BINARY_DIR}/mailroomConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mailroomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mailroomConfig.cmake ${CMAKE_BINARY_DIR}/mailroomConfigVersion.cmake cmake/MailroomScenario.cmake
        DESTINATION ${package_folder})
