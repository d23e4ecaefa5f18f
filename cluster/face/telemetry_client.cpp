#include "cluster/face/telemetry_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

#include "cluster/face/tls_file.hpp"

namespace mailroom::cluster {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace net = boost::asio;
namespace ssl = net::ssl;
using tcp = net::ip::tcp;
using beast::error_code;

TelemetryAddress read_telemetry_address(std::string_view text) {
  TelemetryAddress address;
  auto rest = text;
  const auto scheme = [&](std::string_view name) {
    if (rest.substr(0, name.size()) != name) return false;
    rest.remove_prefix(name.size());
    return true;
  };
  address.tls = scheme("https://") || scheme("wss://");
  if (!address.tls) (void)(scheme("http://") || scheme("ws://"));
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) rest = rest.substr(0, slash);
  const auto colon = rest.rfind(':');
  address.host = colon == std::string_view::npos ? "127.0.0.1" : std::string(rest.substr(0, colon));
  address.port = std::string(colon == std::string_view::npos ? rest : rest.substr(colon + 1));
  if (address.host.size() > 2 && address.host.front() == '[') address.host = address.host.substr(1, address.host.size() - 2);
  if (address.port.empty() || address.port.find_first_not_of("0123456789") != std::string::npos)
    throw BadValue(fmt::format("\"{}\" is no node's address; expected HOST:PORT as `mailroom run --listen` says it, such as 127.0.0.1:7070", text));
  return address;
}

struct TelemetryClient::Impl {
  net::io_context io{1};
  ssl::context context{ssl::context::tls_client};
  std::unique_ptr<websocket::stream<beast::tcp_stream>> plain;
  std::unique_ptr<websocket::stream<beast::ssl_stream<beast::tcp_stream>>> secure;
  beast::flat_buffer buffer;
  bool reading = false;
  std::optional<error_code> read_result;

  // Runs until `done` has a value; false: the deadline came first.
  bool run(const std::optional<error_code>& done, std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    io.restart();
    while (!done) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) return false;
      if (io.run_one_for(left) == 0) io.restart();
    }
    return true;
  }
  template <class Use>
  auto with(Use&& use) {
    return secure ? use(*secure) : use(*plain);
  }
  template <class Start>
  void complete(const char* what, std::chrono::milliseconds deadline, Start&& start) {
    auto done = std::make_shared<std::optional<error_code>>();
    start([done](error_code error, auto&&...) { *done = error; });
    if (!run(*done, deadline)) throw Disconnected(fmt::format("{}: no answer within {} ms", what, deadline.count()));
    if (**done) throw Disconnected(fmt::format("{}: {}", what, (*done)->message()));
  }
};

TelemetryClient::TelemetryClient(const TelemetryAddress& address, std::chrono::milliseconds deadline)
    : impl_(std::make_unique<Impl>()) {
  auto& impl = *impl_;
  const auto where = fmt::format("{}:{}", address.host, address.port);
  error_code error;
  tcp::resolver resolver(impl.io);
  const auto found = resolver.resolve(address.host, address.port, error);
  if (error) throw Disconnected(fmt::format("{}: {}", where, error.message()));
  if (address.tls) {
    if (address.ca.empty())
      impl.context.set_default_verify_paths(error);
    else
      impl.context.load_verify_file(address.ca.string(), error);
    if (error) throw BadValue(fmt::format("{}: no certificates to trust: {}", address.ca.string(), why_unusable(address.ca, error)));
    if (!address.certificate.empty()) {
      const auto& key = address.private_key.empty() ? address.certificate : address.private_key;
      impl.context.use_certificate_chain_file(address.certificate.string(), error);
      if (error) throw BadValue(fmt::format("{}: no certificate to show: {}", address.certificate.string(), why_unusable(address.certificate, error)));
      impl.context.use_private_key_file(key.string(), ssl::context::pem, error);
      if (error) throw BadValue(fmt::format("{}: no private key of {}: {}", key.string(), address.certificate.string(), why_unusable(key, error)));
    }
    impl.context.set_verify_mode(ssl::verify_peer);
    impl.context.set_verify_callback(ssl::host_name_verification(address.host));
    impl.secure = std::make_unique<websocket::stream<beast::ssl_stream<beast::tcp_stream>>>(impl.io, impl.context);
  } else {
    if (!address.ca.empty() || !address.certificate.empty())
      throw BadValue(fmt::format("certificates are for TLS: say https://{}", where));
    impl.plain = std::make_unique<websocket::stream<beast::tcp_stream>>(impl.io);
  }
  impl.with([&](auto& ws) {
    auto& lowest = beast::get_lowest_layer(ws);
    impl.complete(where.c_str(), deadline, [&](auto done) { lowest.async_connect(found, done); });
    lowest.socket().set_option(tcp::no_delay(true), error);
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(ws)>, websocket::stream<beast::ssl_stream<beast::tcp_stream>>>)
      try {
        impl.complete(where.c_str(), deadline, [&](auto done) { ws.next_layer().async_handshake(ssl::stream_base::client, done); });
      } catch (const Disconnected& refusal) {
        const std::string_view what = refusal.what();
        if (what.find("certificate verify failed") != std::string_view::npos)
          throw Disconnected(fmt::format("{} shows a certificate that is not trusted here, or that is not made out to {}: give --tls-ca, the PEM file of "
                                         "who signed it (of a self-signed one: itself), and the host by the name in it ({})", where, address.host, what));
        if (what.find("wrong version number") != std::string_view::npos || what.find("http request") != std::string_view::npos)
          throw Disconnected(fmt::format("{} does not speak TLS: say http://{}", where, where));
        throw;
      }
    ws.set_option(websocket::stream_base::decorator([token = address.token](websocket::request_type& request) {
      request.set(beast::http::field::sec_websocket_protocol, "mailroom.telemetry.v1");
      if (!token.empty()) request.set(beast::http::field::authorization, "Bearer " + token);
    }));
    ws.read_message_max(64 * 1024 * 1024);
    ws.binary(true);
    auto response = std::make_shared<websocket::response_type>();
    const auto host = address.host.find(':') != std::string::npos ? fmt::format("[{}]:{}", address.host, address.port) : where;
    try {
      impl.complete(where.c_str(), deadline, [&](auto done) { ws.async_handshake(*response, host, "/telemetry", done); });
    } catch (const Disconnected& refusal) {
      if (response->result_int() == 401)
        throw Disconnected(fmt::format("{} lets in only who shows a token or a client certificate: give --token-file or --tls-certificate", where));
      if (response->result_int() >= 300)
        throw Disconnected(fmt::format("{} refuses ({}): {}", where, response->result_int(), std::string(response->body())));
      // In TLS 1.3 the other side looks at the certificate when this side's handshake is already done.
      const std::string_view what = refusal.what();
      if (address.tls && (what.find("certificate required") != std::string_view::npos || what.find("handshake failure") != std::string_view::npos))
        throw Disconnected(fmt::format("{} lets in only who shows a client certificate: give --tls-certificate", where));
      if (address.tls && what.find("alert") != std::string_view::npos && !address.certificate.empty())
        throw Disconnected(fmt::format("{} does not trust the certificate that was shown to it, {} ({})", where, address.certificate.string(), what));
      if (!address.tls && (what.find("end of stream") != std::string_view::npos || what.find("bad version") != std::string_view::npos || what.find("reset by peer") != std::string_view::npos))
        throw Disconnected(fmt::format("{} does not answer in plain text; it may speak TLS: https://{}", where, host));
      throw;
    }
  });
}

TelemetryClient::~TelemetryClient() = default;

void TelemetryClient::send(std::string_view bytes) {
  impl_->with([&](auto& ws) {
    impl_->complete("the node", std::chrono::seconds(5), [&](auto done) { ws.async_write(net::buffer(bytes.data(), bytes.size()), done); });
  });
}

void TelemetryClient::subscribe(double rate_hz, bool gauges, bool events, bool spans) {
  const auto bytes = nlohmann::json::to_cbor(
      {{"type", "subscribe"}, {"rate_hz", rate_hz}, {"gauges", gauges}, {"events", events}, {"spans", spans}});
  send({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<std::string> TelemetryClient::read(std::chrono::milliseconds time) {
  auto& impl = *impl_;
  return impl.with([&](auto& ws) -> std::optional<std::string> {
    if (!impl.reading) {
      impl.reading = true;
      impl.read_result.reset();
      ws.async_read(impl.buffer, [&impl](error_code error, std::size_t) { impl.read_result = error; });
    }
    if (!impl.run(impl.read_result, time)) return std::nullopt;
    impl.reading = false;
    if (*impl.read_result) {
      const auto& reason = ws.reason();
      throw Disconnected(reason.reason.empty() ? fmt::format("the connection has ended: {}", impl.read_result->message())
                                               : std::string(reason.reason.data(), reason.reason.size()));
    }
    auto bytes = beast::buffers_to_string(impl.buffer.data());
    impl.buffer.consume(impl.buffer.size());
    return bytes;
  });
}

void GaugeRows::apply(const nlohmann::json& frame) {
  try {
    if (frame.at("full").get<bool>()) {
      shards_.clear();
      edges_.clear();
      sources_.clear();
    }
    head_ = frame;
    for (const auto& row : frame.at("shards")) shards_[row.at(0).get<std::size_t>()] = row;
    for (const auto& row : frame.at("edges")) edges_[row.at(0).get<std::size_t>()] = row;
    for (const auto& row : frame.at("sources")) sources_[row.at(0).get<std::string>()] = row;
    for (const auto* name : {"shards", "edges", "sources"}) head_.erase(name);
  } catch (const nlohmann::json::exception& error) {
    throw BadValue(fmt::format("a gauges frame that is none: {}", error.what()));
  }
}

nlohmann::json GaugeRows::full() const {
  auto frame = head_;
  frame["full"] = true;
  const auto put = [&](const char* name, const auto& rows) {
    auto& list = frame[name] = nlohmann::json::array();
    for (const auto& [index, row] : rows) list.push_back(row);
  };
  put("shards", shards_);
  put("edges", edges_);
  put("sources", sources_);
  return frame;
}

}  // namespace mailroom::cluster
