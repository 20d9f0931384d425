# install: libraries, headers, the CMake package (find_package(coterie)) and a pkg-config file.
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY COTERIE_MODULES)
install(TARGETS ${modules} coterie_coterie EXPORT coterie FILE_SET HEADERS)
install(EXPORT coterie NAMESPACE coterie:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/coterie FILE coterie-targets.cmake)
file(WRITE "${CMAKE_BINARY_DIR}/coterie-config.cmake"
     "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\ninclude(\"\${CMAKE_CURRENT_LIST_DIR}/coterie-targets.cmake\")\n")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/coterie-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/coterie-config.cmake" "${CMAKE_BINARY_DIR}/coterie-config-version.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/coterie)
