// Who may do what at the node's face: where it listens, with what certificate, and what a client has to show.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::cluster {

// operator: everything a viewer may, and to change things.
enum class Role : std::uint8_t { viewer, op };
std::string_view to_string(Role role);

struct ListenOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  // TLS, PEM files; needed off loopback.
  std::filesystem::path certificate, private_key;
  // Lines "viewer TOKEN" and "operator TOKEN"; sent as "Authorization: Bearer TOKEN".
  std::filesystem::path tokens;
  // Certificates signed by these are let in: as operator if their subject has the organizational unit "operator".
  std::filesystem::path client_ca;

  [[nodiscard]] bool tls() const { return !certificate.empty(); }
};

// "7070", "127.0.0.1:7070", "[::1]:7070", ":7070" (every address). Throws BadValue.
void read_listen_address(std::string_view text, ListenOptions& options);
[[nodiscard]] bool is_loopback(std::string_view host);

class Access {
 public:
  // Throws BadValue if that is no safe way to listen, with what to do; StorageError if a file cannot be read.
  explicit Access(const ListenOptions& options);

  // What the bearer of this header may do; `certificate_role`: of a verified client certificate. nullopt: nothing.
  [[nodiscard]] std::optional<Role> role_of(std::string_view authorization, std::optional<Role> certificate_role) const;
  // Whether a browser on another page is behind this: a web page must not reach the node through its visitor.
  // `host` and `origin` are the headers; origin may be empty.
  [[nodiscard]] bool is_foreign(std::string_view host, std::string_view origin) const;
  [[nodiscard]] bool needs_credentials() const { return !tokens_.empty() || certificates_; }

 private:
  struct Token {
    std::string text;
    Role role;
  };
  std::vector<Token> tokens_;
  bool certificates_ = false;
  bool loopback_ = true;
};

}  // namespace mailroom::cluster
