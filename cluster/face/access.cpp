#include "cluster/face/access.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <openssl/crypto.h>

#include <mailroom/errors.hpp>

namespace mailroom::cluster {

std::string_view to_string(Role role) { return role == Role::op ? "operator" : "viewer"; }

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1" || host == "[::1]") return true;
  in_addr address{};
  return host.substr(0, 4) == "127." && ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

void read_listen_address(std::string_view text, ListenOptions& options) {
  const auto refuse = [&]() -> void {
    throw BadValue(fmt::format("\"{}\" is no address to listen at; expected [HOST:]PORT, such as 7070 or 127.0.0.1:7070 (0: any free port)", text));
  };
  auto port = text;
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    auto host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    options.host = host.empty() ? "0.0.0.0" : std::string(host);
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) refuse();
}

Access::Access(const ListenOptions& options) : certificates_(!options.client_ca.empty()), loopback_(is_loopback(options.host)) {
  if (!options.tokens.empty()) {
    std::ifstream in(options.tokens);
    if (!in) throw StorageError(fmt::format("{}: the tokens can't be read: {}", options.tokens.string(), std::strerror(errno)));
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (!line.empty() && line.back() == '\r') line.pop_back();  // written on another system
      if (line.empty() || line.front() == '#') continue;
      const auto space = line.find(' ');
      const auto role = line.substr(0, space);
      const auto token = space == std::string::npos ? std::string() : line.substr(space + 1);
      if ((role != "viewer" && role != "operator") || token.size() < 16 || token.find(' ') != std::string::npos)
        throw BadValue(fmt::format("{}:{}: expected \"viewer TOKEN\" or \"operator TOKEN\", with a token of at least 16 "
                                   "characters (openssl rand -hex 32 makes one)",
                                   options.tokens.string(), number));
      tokens_.push_back({token, role == "operator" ? Role::op : Role::viewer});
    }
    if (tokens_.empty()) throw BadValue(fmt::format("{}: there is no token in it", options.tokens.string()));
  }
  if (options.tls() == options.private_key.empty())
    throw BadValue("--tls-certificate and --tls-key go together");
  if (certificates_ && !options.tls()) throw BadValue("--tls-client-ca needs --tls-certificate and --tls-key");
  if (loopback_) return;
  if (!options.tls())
    throw BadValue(fmt::format("{} is reached from other machines, so it needs TLS: give --tls-certificate and --tls-key, or listen at 127.0.0.1",
                               options.host));
  if (tokens_.empty() && !certificates_)
    throw BadValue(fmt::format("{} is reached from other machines, so clients must show who they are: give --tokens or "
                               "--tls-client-ca, or listen at 127.0.0.1",
                               options.host));
}

std::optional<Role> Access::role_of(std::string_view authorization, std::optional<Role> certificate_role) const {
  if (!needs_credentials()) return Role::op;
  auto role = certificates_ ? certificate_role : std::nullopt;
  constexpr std::string_view bearer = "Bearer ";
  if (authorization.substr(0, bearer.size()) != bearer) return role;
  const auto shown = authorization.substr(bearer.size());
  for (const auto& token : tokens_) {
    // All are compared, in a time that does not depend on where they differ.
    const bool same = shown.size() == token.text.size() && CRYPTO_memcmp(shown.data(), token.text.data(), shown.size()) == 0;
    if (same && (!role || token.role == Role::op)) role = token.role;
  }
  return role;
}

bool Access::is_foreign(std::string_view host, std::string_view origin) const {
  // A page whose own name was made to point at 127.0.0.1 (DNS rebinding) sends that name.
  auto name = host;
  if (const auto colon = name.rfind(':'); colon != std::string_view::npos && name.find(']', colon) == std::string_view::npos)
    name = name.substr(0, colon);
  if (loopback_ && !is_loopback(name)) return true;
  if (origin.empty()) return false;
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos || origin.substr(scheme + 3) != host;
}

}  // namespace mailroom::cluster
