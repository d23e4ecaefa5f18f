// The TLS files of an address, made ready for a socket.
#pragma once

#include <QSslConfiguration>
#include <variant>

#include "dashboard/source/source.hpp"

namespace mailroom::dashboard {

// The configuration, or which file is wrong and why, for a person. Any thread.
[[nodiscard]] std::variant<QSslConfiguration, QString> tls_configuration(const TlsFiles& files);

}  // namespace mailroom::dashboard
