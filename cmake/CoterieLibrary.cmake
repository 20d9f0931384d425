# coterie_library(module SOURCES ... [DEPENDS modules...] [PRIVATE_DEPENDS modules or targets...])
#
# One static library per room, with its own include root, so that an upward include does not compile: a target sees only
# what its DEPENDS line names. Every public header is also compiled alone (target all_verify_interface_header_sets).
function(coterie_library module)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(target coterie_${module})
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "coterie_library(${module}): name its SOURCES")
  endif()
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(coterie::${module} ALIAS ${target})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp")
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_CURRENT_SOURCE_DIR}/include" FILES ${headers})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
  target_compile_features(${target} PUBLIC cxx_std_20)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${target} PUBLIC coterie::${dependency})
  endforeach()
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:coterie_settings> ${arg_PRIVATE_DEPENDS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${module} OUTPUT_NAME coterie_${module}
                                             VERIFY_INTERFACE_HEADER_SETS ON)
  set_property(GLOBAL APPEND PROPERTY COTERIE_MODULES ${target})
endfunction()
