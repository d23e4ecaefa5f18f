// libFuzzer's way into one of the targets.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mailroom::fuzz::MAILROOM_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
