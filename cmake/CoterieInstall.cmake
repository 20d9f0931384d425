# install: libraries, headers, the CMake package (find_package(coterie)) and a pkg-config file.
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY COTERIE_MODULES)
install(TARGETS ${modules} coterie_coterie EXPORT coterie FILE_SET HEADERS)
install(EXPORT coterie NAMESPACE coterie:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/coterie FILE coterie-targets.cmake)
file(WRITE "${CMAKE_BINARY_DIR}/coterie-config.cmake"
     "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\nfind_dependency(OpenSSL)\ninclude(\"\${CMAKE_CURRENT_LIST_DIR}/coterie-targets.cmake\")\n")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/coterie-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/coterie-config.cmake" "${CMAKE_BINARY_DIR}/coterie-config-version.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/coterie)

# Static libraries: who uses comes before what it uses, so the highest room is named first. The prefix is only known when
# the install runs (--prefix), so the file is written then.
set(COTERIE_PC_LIBS "")
foreach(module IN LISTS modules)
  string(PREPEND COTERIE_PC_LIBS "-l${module} ")
endforeach()
string(STRIP "${COTERIE_PC_LIBS}" COTERIE_PC_LIBS)
install(CODE "
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
  set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  set(COTERIE_PC_LIBS \"${COTERIE_PC_LIBS}\")
  configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/cmake/coterie.pc.in\"
                 \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/coterie.pc\" @ONLY)")
