// What user code has thrown, in words, whatever it was.
#pragma once

#include <exception>
#include <string>

namespace mailroom::runtime {

// Of the exception that is being handled: call it in a catch block.
inline std::string caught_text() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace mailroom::runtime
