# Compiler settings shared by every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(COTERIE_CCACHE ccache)
if(COTERIE_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${COTERIE_CCACHE}")
endif()

add_library(coterie_settings INTERFACE)
target_compile_features(coterie_settings INTERFACE cxx_std_20)
# -ffp-contract=off: a fused multiply-add would make two compilers disagree on a replayed run.
target_compile_options(coterie_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -ffp-contract=off
                                                  $<$<BOOL:${COTERIE_WERROR}>:-Werror>)

set(COTERIE_SANITIZE "" CACHE STRING "address, thread or fuzz (Clang)")
if(COTERIE_SANITIZE STREQUAL "address")
  # Left out is what faults by itself on x86 or under the address sanitizer and makes up most of the checks, each compiled
  # and run; the fuzz build has them all.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,vptr -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(COTERIE_SANITIZE STREQUAL "fuzz")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(COTERIE_SANITIZE STREQUAL "thread")
  # Asio's fences are unknown to TSan: it would report each one.
  add_compile_options(-fsanitize=thread -Wno-tsan)
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  add_link_options(-fsanitize=thread)
endif()

option(COTERIE_COVERAGE "Instrument for gcov" OFF)
if(COTERIE_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

find_program(COTERIE_MOLD mold)
if(COTERIE_MOLD AND PROJECT_IS_TOP_LEVEL)
  add_link_options(-fuse-ld=mold)
endif()

# Boost.Asio, compiled once in transport/src/asio_impl.cpp. Boost 1.74's awaitable.hpp does not compile in GCC 12's C++20
# mode, and no coroutine is used.
find_package(Boost 1.74 REQUIRED)
find_package(Threads REQUIRED)
add_library(coterie_asio INTERFACE)
target_link_libraries(coterie_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(coterie_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                                                  BOOST_ASIO_DISABLE_CO_AWAIT BOOST_ASIO_NO_DEPRECATED)
