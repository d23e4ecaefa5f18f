#include "cluster/face/face.hpp"

#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <deque>
#include <fmt/format.h>
#include <openssl/x509.h>
#include <set>
#include <thread>

#include <mailroom/errors.hpp>

#include "cluster/face/client_message.hpp"
#include "cluster/face/http_api.hpp"
#include "cluster/face/telemetry_frames.hpp"
#include "cluster/face/tls_file.hpp"

namespace mailroom::cluster {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace net = boost::asio;
namespace ssl = net::ssl;
using tcp = net::ip::tcp;
using beast::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::string_view subprotocol = "mailroom.telemetry.v1";
constexpr std::chrono::milliseconds tick_every{1000 / TelemetryFrames::rate_hz};
constexpr std::size_t most_elsewhere = 16;  // lists of dead letters that wait to be read

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void close() = 0;  // at once
  Clock::time_point since = Clock::now();  // when it was made, or its last request was done
  bool proven = false;                     // it has asked for something that could be answered
  bool websocket = false;
};

class TelemetryClient {
 public:
  virtual ~TelemetryClient() = default;
  virtual void tick(Clock::time_point now) = 0;
  virtual void finish() = 0;  // what is left, then a close that says why
};

// What all connections share. Lives on the face's thread.
struct Shared : std::enable_shared_from_this<Shared> {
  Shared(runtime::Engine& the_engine, const ListenOptions& options, const std::string& program, FaceLimits the_limits)
      : access(options),
        limits(the_limits),
        engine(the_engine),
        frames(the_engine, program),
        api(the_engine, program, [this](std::function<void()> work) {
          if (elsewhere_waiting >= most_elsewhere) return false;
          ++elsewhere_waiting;
          net::post(elsewhere, [this, work = std::move(work)] {
            work();
            --elsewhere_waiting;
          });
          return true;
        }) {}

  // Makes room for one more; false: there is none.
  bool make_room() {
    if (connections.size() < limits.connections) return true;
    Connection* victim = nullptr;
    for (auto* one : connections) {
      if (one->websocket) continue;
      // Who has not asked for anything goes before who has.
      if (victim == nullptr || std::pair(one->proven, one->since) < std::pair(victim->proven, victim->since)) victim = one;
    }
    if (victim == nullptr) return false;
    connections.erase(victim);
    victim->close();
    return true;
  }

  const Access access;
  const FaceLimits limits;
  std::atomic<std::size_t> elsewhere_waiting{0};
  runtime::Engine& engine;
  TelemetryFrames frames;
  HttpApi api;
  std::set<Connection*> connections;
  std::set<TelemetryClient*> clients;
  std::function<void()> clients_changed;
  bool closing = false;
  net::thread_pool elsewhere{1};
  net::io_context io{1};  // last: what it still holds when it goes are connections, which strike themselves off the lists
};

template <class Stream>
class WebSocketSession final : public Connection, public TelemetryClient, public std::enable_shared_from_this<WebSocketSession<Stream>> {
 public:
  WebSocketSession(Shared& shared, Stream stream, Role role) : shared_(shared), ws_(std::move(stream)), role_(role) {
    websocket = true;
    shared_.connections.insert(this);
  }
  ~WebSocketSession() override {
    shared_.connections.erase(this);
    leave();
  }

  void run(const http::request<http::string_body>& request) {
    websocket::stream_base::timeout times{};
    times.handshake_timeout = shared_.limits.request;
    times.idle_timeout = shared_.limits.websocket_idle;
    times.keep_alive_pings = true;
    ws_.set_option(times);
    ws_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
      response.set(http::field::sec_websocket_protocol, std::string(subprotocol));
      response.set(http::field::server, "mailroom");
    }));
    ws_.read_message_max(shared_.limits.message_bytes);
    ws_.binary(true);
    ws_.async_accept(request, [self = this->shared_from_this()](error_code error) {
      if (!error) self->begin();
    });
  }
  void close() override { beast::get_lowest_layer(ws_).close(); }

  void tick(Clock::time_point now) override {
    if (writing_ || closed_ || now < next_frame_) return;
    next_frame_ = now + std::chrono::microseconds(static_cast<std::int64_t>(950'000 / subscription_.rate_hz));
    gather(now);
    write_next();
  }
  void finish() override {
    if (closed_) return;
    gather(Clock::now());
    finishing_ = true;
    if (!writing_) write_next();
  }

 private:
  void begin() {
    shared_.clients.insert(this);
    shared_.clients_changed();
    place_ = shared_.frames.end();
    queue_.push_back(shared_.frames.hello(to_string(role_)));
    gather(Clock::now());
    write_next();
    read();
  }
  void leave() {
    if (shared_.clients.erase(this) > 0) shared_.clients_changed();
    closed_ = true;
  }

  // One of each kind at most: while they are on their way, nothing more is kept for this client.
  void gather(Clock::time_point now) {
    if (subscription_.gauges) {
      const bool full = version_ == 0 || now >= next_full_;
      if (full) next_full_ = now + std::chrono::seconds(10);
      if (full || version_ != shared_.frames.version()) queue_.push_back(shared_.frames.gauges(full ? 0 : version_));
      version_ = shared_.frames.version();
    }
    if (subscription_.events)
      if (auto frame = shared_.frames.events(place_)) queue_.push_back(std::move(frame));
    if (subscription_.spans)
      if (auto frame = shared_.frames.spans(place_)) queue_.push_back(std::move(frame));
  }

  void write_next() {
    if (closed_) return;
    if (queue_.empty()) {
      writing_ = false;
      if (finishing_) {
        closed_ = true;
        ws_.async_close(websocket::close_reason(websocket::close_code::going_away, "the node has ended"),
                        [self = this->shared_from_this()](error_code) {});
      }
      return;
    }
    writing_ = true;
    const auto frame = queue_.front();
    queue_.pop_front();
    ws_.async_write(net::buffer(*frame), [self = this->shared_from_this(), frame](error_code error, std::size_t) {
      if (error) return self->leave();
      self->write_next();
    });
  }

  void read() {
    ws_.async_read(buffer_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return self->leave();
      self->take_message();
    });
  }
  void take_message() {
    const auto now = Clock::now();
    if (now >= second_ends_) {
      second_ends_ = now + std::chrono::seconds(1);
      messages_ = 0;
    }
    const auto bytes = beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    if (++messages_ > shared_.limits.messages_a_second) return refuse("more than 50 messages a second");
    if (!ws_.got_binary() || !read_client_message(bytes, subscription_)) return refuse("no CBOR map");
    read();
  }
  void refuse(const char* why) {
    leave();
    ws_.async_close(websocket::close_reason(websocket::close_code::policy_error, why),
                    [self = this->shared_from_this()](error_code) {});
  }

  Shared& shared_;
  websocket::stream<Stream> ws_;
  const Role role_;
  beast::flat_buffer buffer_;
  Subscription subscription_;
  TelemetryFrames::Place place_;
  std::uint64_t version_ = 0;  // of the rows that it has
  Clock::time_point next_frame_{}, next_full_{}, second_ends_{};
  unsigned messages_ = 0;
  std::deque<Frame> queue_;
  bool writing_ = false, closed_ = false, finishing_ = false;
};

std::optional<Role> certificate_role(beast::tcp_stream&) { return std::nullopt; }
std::optional<Role> certificate_role(beast::ssl_stream<beast::tcp_stream>& stream) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(stream.native_handle()), &X509_free);
  if (!certificate) return std::nullopt;
  char unit[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_organizationalUnitName, unit, sizeof unit);
  return std::string_view(unit) == "operator" ? Role::op : Role::viewer;
}

// HTTP on one connection, request after request, until it becomes a WebSocket.
template <class Stream>
class HttpSession final : public Connection, public std::enable_shared_from_this<HttpSession<Stream>> {
 public:
  HttpSession(Shared& shared, Stream stream) : shared_(shared), stream_(std::move(stream)), deadline_(shared.io) {
    shared_.connections.insert(this);
  }
  ~HttpSession() override { shared_.connections.erase(this); }

  void run() {
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      read();
    } else {
      beast::get_lowest_layer(stream_).expires_after(shared_.limits.request);
      stream_.async_handshake(ssl::stream_base::server, [self = this->shared_from_this()](error_code error) {
        if (!error) self->read();
      });
    }
  }
  void close() override { beast::get_lowest_layer(stream_).close(); }

 private:
  void read() {
    parser_.emplace();
    parser_->header_limit(shared_.limits.header_bytes);
    parser_->body_limit(shared_.limits.body_bytes);
    // One deadline for the whole request: bytes that trickle in do not move it.
    beast::get_lowest_layer(stream_).expires_after(shared_.limits.request);
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](error_code error, std::size_t) {
      self->on_request(error);
    });
  }

  void on_request(error_code error) {
    if (error == http::error::header_limit) return refuse(api_error(431, "header", "the header is larger than 8 KiB"));
    if (error == http::error::body_limit) return refuse(api_error(413, "body", "the body is larger than 64 KiB"));
    if (error) return;
    auto request = parser_->release();
    const auto text = [&](http::field field) {
      const auto value = request[field];
      return std::string_view(value.data(), value.size());
    };
    keep_alive_ = request.keep_alive();
    head_ = request.method() == http::verb::head;
    since = Clock::now();
    if (shared_.access.is_foreign(text(http::field::host), text(http::field::origin)))
      return refuse(api_error(403, "foreign", "a page of another site may not reach this node: call it by its address, as localhost or 127.0.0.1"));
    const auto target = std::string_view(request.target().data(), request.target().size());
    const auto path = target.substr(0, target.find('?'));
    // A liveness probe has nothing to show, and these say nothing secret.
    const bool probe = path == "/healthz" || path == "/readyz";
    auto role = shared_.access.role_of(text(http::field::authorization), certificate_role(stream_));
    proven = proven || role.has_value();
    if (!role && probe) role = Role::viewer;
    if (!role) return refuse(api_error(401, "credentials", "show a token (Authorization: Bearer ...) or a client certificate"));

    if (path == "/telemetry") {
      if (!websocket::is_upgrade(request)) return respond(api_error(426, "websocket", "this is a WebSocket: mailroom-dashboard and `mailroom top` read it"));
      if (text(http::field::sec_websocket_protocol).find(subprotocol) == std::string_view::npos)
        return refuse(api_error(400, "subprotocol", fmt::format("expected the subprotocol {}", subprotocol)));
      if (shared_.clients.size() >= shared_.limits.websockets)
        return refuse(api_error(503, "full", "as many WebSockets as this node serves are open"));
      beast::get_lowest_layer(stream_).expires_never();
      shared_.connections.erase(this);
      std::make_shared<WebSocketSession<Stream>>(shared_, std::move(stream_), *role)->run(request);
      return;
    }

    ApiRequest asked{std::string(request.method_string()), std::string(target), std::move(request.body()), *role};
    answered_ = false;
    // The shard that is asked may be stuck.
    beast::get_lowest_layer(stream_).expires_never();
    deadline_.expires_after(shared_.limits.answer);
    deadline_.async_wait([self = this->shared_from_this()](error_code cancelled) {
      if (!cancelled) self->once(api_error(504, "no_answer", "no answer in time: the shard is stuck or has too much to do"));
    });
    // Whoever answers may do so on any thread, and after this connection and the face have gone.
    shared_.api.handle(asked, [face = shared_.weak_from_this(), weak = this->weak_from_this(), number = ++number_](ApiResponse response) {
      const auto shared = face.lock();
      if (!shared) return;
      // Held by the face's thread alone: the last to let go of a connection takes it out of the face's lists.
      net::post(shared->io, [weak, number, response = std::move(response)]() mutable {
        if (const auto self = weak.lock(); self && number == self->number_) self->once(std::move(response));
      });
    });
  }

  void once(ApiResponse response) {
    if (std::exchange(answered_, true)) return;
    deadline_.cancel();
    respond(std::move(response));
  }
  void refuse(ApiResponse response) {
    keep_alive_ = false;
    respond(std::move(response));
  }
  void respond(ApiResponse made) {
    auto response = std::make_shared<http::response<http::span_body<const char>>>();
    response->result(made.status);
    response->version(11);
    response->set(http::field::server, "mailroom");
    response->set(http::field::content_type, made.content_type);
    response->set(http::field::cache_control, "no-store");
    response->set("X-Content-Type-Options", "nosniff");
    if (!made.allow.empty()) response->set(http::field::allow, made.allow);
    if (made.status == 401) response->set(http::field::www_authenticate, "Bearer");
    response->keep_alive(keep_alive_);
    response->content_length(made.body->size());
    if (!head_) response->body() = beast::span<const char>(made.body->data(), made.body->size());
    beast::get_lowest_layer(stream_).expires_after(shared_.limits.request);
    const auto sent = [self = this->shared_from_this(), response, body = made.body](error_code error, std::size_t) {
      if (error || !self->keep_alive_) return self->hang_up();
      self->read();
    };
    if (head_) {
      auto serializer = std::make_shared<http::response_serializer<http::span_body<const char>>>(*response);
      http::async_write_header(stream_, *serializer, [sent, serializer](error_code error, std::size_t size) { sent(error, size); });
    } else {
      http::async_write(stream_, *response, sent);
    }
  }
  void hang_up() {
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  Shared& shared_;
  Stream stream_;
  net::steady_timer deadline_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::uint64_t number_ = 0;  // of the request at hand
  bool keep_alive_ = false, head_ = false, answered_ = true;
};

}  // namespace

struct Face::Impl {
  Impl(runtime::Engine& engine, const ListenOptions& options, const std::string& program, FaceLimits limits)
      : shared(std::make_shared<Shared>(engine, options, program, limits)),
        host(options.host),
        tls(options.tls()),
        context(ssl::context::tls_server),
        acceptor(shared->io),
        ticks(shared->io),
        accept_again(shared->io) {}

  void listen(const ListenOptions& options);
  void accept();
  void tick();
  void clients_changed();

  std::shared_ptr<Shared> shared;
  const std::string host;
  const bool tls;
  ssl::context context;
  tcp::acceptor acceptor;
  net::steady_timer ticks, accept_again;
  bool ticking = false;
  std::uint16_t port = 0;
  std::thread thread;
};

namespace {

void set_up_tls(ssl::context& context, const ListenOptions& options) {
  const auto checked = [](const std::filesystem::path& file, const char* what, auto&& use) {
    error_code error;
    use(file.string(), error);
    if (error) throw BadValue(fmt::format("{}: the {} can't be used: {}", file.string(), what, why_unusable(file, error)));
  };
  context.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  checked(options.certificate, "certificate", [&](const auto& file, auto& error) { context.use_certificate_chain_file(file, error); });
  checked(options.private_key, "private key", [&](const auto& file, auto& error) { context.use_private_key_file(file, ssl::context::pem, error); });
  if (options.client_ca.empty()) return;
  checked(options.client_ca, "certificates of clients' authorities", [&](const auto& file, auto& error) { context.load_verify_file(file, error); });
  // With tokens, too, a client may come without a certificate.
  context.set_verify_mode(options.tokens.empty() ? ssl::verify_peer | ssl::verify_fail_if_no_peer_cert : ssl::verify_peer);
}

}  // namespace

void Face::check(const ListenOptions& options) {
  (void)Access(options);
  ssl::context context(ssl::context::tls_server);
  if (options.tls()) set_up_tls(context, options);
}

void Face::Impl::listen(const ListenOptions& options) {
  error_code error;
  tcp::resolver resolver(shared->io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port), error);
  if (error || found.empty()) throw BadValue(fmt::format("{} is no address of this machine: {}", options.host, error.message()));
  const auto endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), error);
  acceptor.set_option(net::socket_base::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error) throw StorageError(fmt::format("can't listen at {}:{}: {}", options.host, options.port, error.message()));
  port = acceptor.local_endpoint().port();
}

void Face::Impl::accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (!acceptor.is_open()) return;
    if (error) {  // no descriptors left, for example: others may give theirs back
      accept_again.expires_after(std::chrono::milliseconds(100));
      accept_again.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
      return;
    }
    if (shared->make_room()) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      beast::tcp_stream stream(std::move(socket));
      if (tls)
        std::make_shared<HttpSession<beast::ssl_stream<beast::tcp_stream>>>(*shared, beast::ssl_stream<beast::tcp_stream>(std::move(stream), context))->run();
      else
        std::make_shared<HttpSession<beast::tcp_stream>>(*shared, std::move(stream))->run();
    }
    accept();
  });
}

// The engine looks at itself more often while somebody watches; without clients nothing is done here.
void Face::Impl::clients_changed() {
  shared->api.clients = shared->clients.size();
  const bool watched = !shared->clients.empty() && !shared->closing;
  if (watched == ticking) return;
  ticking = watched;
  shared->engine.sample_every(watched ? tick_every : std::chrono::milliseconds(200));
  if (watched) {
    shared->frames.refresh(shared->clients.size());
    tick();
  }
}

void Face::Impl::tick() {
  ticks.expires_after(tick_every);
  ticks.async_wait([this](error_code cancelled) {
    if (cancelled || !ticking) return;
    shared->frames.refresh(shared->clients.size());
    const auto now = Clock::now();
    for (auto* client : std::vector<TelemetryClient*>(shared->clients.begin(), shared->clients.end()))
      if (shared->clients.contains(client)) client->tick(now);
    tick();
  });
}

Face::Face(runtime::Engine& engine, const ListenOptions& options, const std::string& program, FaceLimits limits)
    : impl_(std::make_unique<Impl>(engine, options, program, limits)) {
  if (options.tls()) set_up_tls(impl_->context, options);
  impl_->listen(options);
  impl_->shared->clients_changed = [this] { impl_->clients_changed(); };
  impl_->accept();
  impl_->thread = std::thread([shared = impl_->shared] {
    for (;;) {
      try {
        shared->io.run();
        return;
      } catch (const std::exception&) {  // out of memory for one connection: the others go on
      }
    }
  });
}

Face::~Face() {
  auto& impl = *impl_;
  const auto done = std::make_shared<std::atomic<bool>>(false);
  net::post(impl.shared->io, [&impl] {
    error_code ignored;
    impl.acceptor.close(ignored);
    impl.accept_again.cancel();
    impl.shared->api.ready = false;
    impl.shared->closing = true;
    impl.ticks.cancel();
    impl.ticking = false;
    impl.shared->frames.refresh(impl.shared->clients.size());
    for (auto* connection : std::vector<Connection*>(impl.shared->connections.begin(), impl.shared->connections.end()))
      if (!connection->websocket) connection->close();
    for (auto* client : std::vector<TelemetryClient*>(impl.shared->clients.begin(), impl.shared->clients.end())) client->finish();
  });
  // The thread ends by itself once all have gone; who does not read his last frames is left behind.
  const auto until = Clock::now() + std::chrono::milliseconds(500);
  while (!impl.shared->io.stopped() && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  impl.shared->io.stop();
  impl.thread.join();
  impl.shared->elsewhere.join();
  impl.shared->clients_changed = [] {};
}

std::uint16_t Face::port() const { return impl_->port; }
std::string Face::address() const {
  return impl_->host.find(':') != std::string::npos ? fmt::format("[{}]:{}", impl_->host, impl_->port)
                                                    : fmt::format("{}:{}", impl_->host, impl_->port);
}
std::string Face::url() const { return fmt::format("{}://{}", impl_->tls ? "https" : "http", address()); }
std::string Face::reachable_address() const {
  if (impl_->host != "0.0.0.0" && impl_->host != "::") return address();
  return fmt::format("{}:{}", net::ip::host_name(), impl_->port);
}

}  // namespace mailroom::cluster
