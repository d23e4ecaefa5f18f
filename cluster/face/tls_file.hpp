// Why a certificate's or a key's file can't be used, in words: OpenSSL's own are "asio.ssl error" for a file that is not there.
#pragma once

#include <boost/system/error_code.hpp>
#include <filesystem>
#include <string>

namespace mailroom::cluster {

std::string why_unusable(const std::filesystem::path& file, const boost::system::error_code& error);

}  // namespace mailroom::cluster
