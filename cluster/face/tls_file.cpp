#include "cluster/face/tls_file.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace mailroom::cluster {

std::string why_unusable(const std::filesystem::path& file, const boost::system::error_code& error) {
  if (std::filesystem::is_directory(file)) return "it is a folder; expected a PEM file";
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::strerror(errno);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.find("-----BEGIN ") == std::string::npos) return "there is no PEM in it; expected a text that begins with -----BEGIN";
  return error.message();
}

}  // namespace mailroom::cluster
