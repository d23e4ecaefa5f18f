// What is fuzzed: each takes any bytes, and ends the process if something does that must not happen with any. libFuzzer
// makes bytes for them (run.sh), and the ordinary tests give them the corpus (corpus_test.cpp).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mailroom::fuzz {

void topology(std::string_view bytes);  // a topology's text is a topology or problems
void csv(std::string_view bytes);       // a file is events and dirty input, the same however it is cut and read
void jsonl(std::string_view bytes);
void batch(std::string_view bytes);    // bytes are a batch that is written as it was read, or CorruptData
void journal(std::string_view bytes);  // rows are a journal that all tools read to its end, or are refused

// As an assertion, in every build.
inline void hold(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace mailroom::fuzz
