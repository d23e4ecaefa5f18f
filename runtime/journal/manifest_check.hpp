// RocksDB's list of its files, MANIFEST, checked for the two kinds of damage that RocksDB takes for the file's end.
//
// Where a record's length leads past the end, RocksDB thinks that a crash cut the record short; where its type is one of
// a file that is used again, that it is left from the file's earlier life. It goes on without it and all that follow:
// whole tables can go with them, without a word. But a record that is all there and has only its length wrong is no
// crash, and a MANIFEST is never used again.
#pragma once

#include <filesystem>
#include <string_view>

namespace mailroom::runtime {

// `store`: RocksDB's directory. Throws CorruptData naming the file. What RocksDB finds by itself is left to it.
void check_manifest(const std::filesystem::path& store);
// Where such a record begins; npos: there is none.
std::size_t find_false_end(std::string_view manifest);

}  // namespace mailroom::runtime
