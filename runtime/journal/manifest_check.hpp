// RocksDB's list of its files, MANIFEST, checked for the one damage that RocksDB takes for a crash.
//
// Each record has its length and a checksum. Where the length leads past the file's end, RocksDB thinks that a crash cut
// the record short, and goes on without it and all that follow: whole tables can go with them, without a word. A record
// that is all there, and has only its length wrong, is no crash.
#pragma once

#include <filesystem>
#include <string_view>

namespace mailroom::runtime {

// `store`: RocksDB's directory. Throws CorruptData naming the file. What RocksDB finds by itself is left to it.
void check_manifest(const std::filesystem::path& store);
// Where the record begins whose length is wrong; npos: there is none.
std::size_t find_wrong_length(std::string_view manifest);

}  // namespace mailroom::runtime
