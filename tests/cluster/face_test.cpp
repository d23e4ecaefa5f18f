// The node's face: what it answers, to whom, and what hostile clients cost it.
#include <arpa/inet.h>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

#include <mailroom/mailroom.hpp>

#include "cluster/face/client_message.hpp"
#include "cluster/face/face.hpp"
#include "cluster/face/http_api.hpp"
#include "cluster/face/session_writer.hpp"
#include "cluster/face/telemetry_client.hpp"
#include "cluster/node.hpp"

namespace face_test {

namespace fs = std::filesystem;
using mailroom::cluster::Access;
using mailroom::cluster::Face;
using mailroom::cluster::FaceLimits;
using mailroom::cluster::ListenOptions;
using mailroom::cluster::Role;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Put {
  std::string account;
  std::int64_t cents = 0, number = 0;
};
MAILROOM_EVENT(Put, account, cents, number)
struct Account {
  std::int64_t cents = 0;
};
MAILROOM_STATE(Account, cents)
struct HowMuch {
  std::int64_t in_units_of = 1;
};
MAILROOM_STRUCT(HowMuch, in_units_of)

class FaceLedger : public mailroom::Actor<Account> {
 public:
  using Emits = mailroom::Events<Put>;
  using Answers = mailroom::Events<HowMuch>;
  void on(const Put& put, Account& account, mailroom::Context& context) {
    if (put.cents < 0 && account.cents + put.cents < 0) throw mailroom::Rejected("overdraft");
    if (put.account == "broken" && context.attempt() == 1) throw std::runtime_error("planted");
    account.cents += put.cents;
    context.emit(put);
  }
  Account answer(const HowMuch& question, const Account& account, const mailroom::AnswerContext&) const {
    return {account.cents / question.in_units_of};
  }
};
MAILROOM_ACTOR(FaceLedger, Put)

struct Reply {
  int status = 0;  // 0: the connection ended without one
  std::string head, body;
  [[nodiscard]] json parsed() const { return json::parse(body, nullptr, false); }
};

// A blocking socket with a deadline on everything.
class Socket {
 public:
  explicit Socket(std::uint16_t port, int seconds = 15) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval time{seconds, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  bool send(std::string_view bytes) const { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
  // Until the other side closes or the deadline comes.
  [[nodiscard]] std::string read_all() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }
  [[nodiscard]] bool connected() const { return connected_; }

 private:
  int fd_;
  bool connected_ = false;
};

class FaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "mailroom-face-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    put("");
  }
  void TearDown() override {
    face_.reset();
    node_.reset();
    fs::remove_all(folder_);
  }
  void put(const std::string& lines) { std::ofstream(folder_ / "in.jsonl", std::ios::app) << lines; }
  void start(FaceLimits limits = {}, const std::string& ledger_members = "{}") {
    auto topology = json::parse(R"({"mailroom": 1, "name": "face", "stages": {
      "in": {"source": "tail", "path": "in.jsonl", "event": "Put"},
      "ledger": {"actor": "FaceLedger", "from": ["in"], "key": "account", "shards": 2,
                 "on_failure": {"retries": 2, "backoff": "1ms..2ms"}, "watch_order": {"sequence": "number", "grace": "1h"}},
      "out": {"sink": "null", "from": ["ledger"]}}})");
    topology["stages"]["ledger"].merge_patch(json::parse(ledger_members));
    std::ofstream(folder_ / "face.json") << topology;
    mailroom::cluster::NodeOptions options;
    options.topology = folder_ / "face.json";
    options.data = folder_ / "data";
    node_ = std::make_unique<mailroom::cluster::Node>(std::move(options));
    face_ = std::make_unique<Face>(node_->engine(), ListenOptions{}, "mailroom test", limits);
  }
  static bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  [[nodiscard]] std::uint64_t handled() const {
    std::uint64_t in = 0;
    for (const auto& shard : node_->engine().snapshot().shards)
      if (shard.stage == "ledger") in += shard.in;
    return in;
  }
  Reply request(const std::string& method, const std::string& target, const std::string& body = {}, const std::string& headers = {},
                std::string host = {}) const {
    const Socket socket(face_->port());
    if (host.empty()) host = face_->address();
    socket.send(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                headers + "\r\n" + body);
    return parse(socket.read_all());
  }
  static Reply parse(const std::string& all) {
    Reply reply;
    const auto end = all.find("\r\n\r\n");
    if (!all.starts_with("HTTP/1.1 ") || end == std::string::npos) return reply;
    reply.status = std::stoi(all.substr(9, 3));
    reply.head = all.substr(0, end);
    reply.body = all.substr(end + 4);
    return reply;
  }
  std::unique_ptr<mailroom::cluster::TelemetryClient> client() const {
    return std::make_unique<mailroom::cluster::TelemetryClient>(mailroom::cluster::read_telemetry_address(face_->address()), std::chrono::seconds(15));
  }
  // The next frame of that type; null: none came.
  static json next(mailroom::cluster::TelemetryClient& from, const std::string& type) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline)
      if (const auto bytes = from.read(std::chrono::seconds(1))) {
        auto frame = json::from_cbor(*bytes);
        if (frame["type"] == type) return frame;
      }
    return nullptr;
  }

  fs::path folder_;
  std::unique_ptr<mailroom::cluster::Node> node_;
  std::unique_ptr<Face> face_;
};

TEST_F(FaceTest, AnswersWhatOperatorsAndMachinesAsk) {
  put("{\"account\": \"a b|c\", \"cents\": 700, \"number\": 1}\n{\"account\": \"poor\", \"cents\": -5, \"number\": 1}\n");
  start();
  ASSERT_TRUE(until([&] { return handled() == 2; }));
  EXPECT_EQ(request("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(request("GET", "/readyz").status, 200);
  EXPECT_TRUE(until([&] { return request("GET", "/api/v1/snapshot").parsed()["shards"][1]["in"] == 1 || request("GET", "/api/v1/snapshot").parsed()["shards"][2]["in"] == 1; }));
  EXPECT_EQ(request("GET", "/openapi.json").parsed()["openapi"], "3.0.3");
  EXPECT_EQ(request("HEAD", "/healthz").body, "");

  EXPECT_EQ(request("GET", "/api/v1/stages/ledger/state?key=a+b%7Cc").parsed()["reply"], (json{{"cents", 700}}));
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/state", R"({"key": "a b|c", "question": "HowMuch", "fields": {"in_units_of": 100}})").parsed()["reply"]["cents"], 7);
  const auto unknown = request("GET", "/api/v1/stages/ledger/state?key=nobody");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.parsed()["error"]["code"], "key_unknown");
  EXPECT_EQ(request("GET", "/api/v1/stages/legder/state?key=a").status, 404);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/state", R"({"key": "a", "kye": 1})").status, 400);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/state", "{").status, 400);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/state", R"({"key": "a b|c", "question": "HowMuch", "fields": {"in_units_of": "x"}})").status, 400);

  const auto letters = request("GET", "/api/v1/dead-letters?stage=ledger").parsed();
  ASSERT_EQ(letters["letters"].size(), 1u) << letters;
  EXPECT_EQ(letters["letters"][0]["reason"], "overdraft");
  const auto id = letters["letters"][0]["id"].get<std::string>();
  put("{\"account\": \"poor\", \"cents\": 50, \"number\": 2}\n");
  ASSERT_TRUE(until([&] { return handled() == 3; }));
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/retry", json{{"ids", {id}}}.dump()).parsed()["retried"], 1);
  ASSERT_TRUE(until([&] { return request("GET", "/api/v1/stages/ledger/state?key=poor").parsed()["reply"]["cents"] == 45; }));
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/retry", json{{"ids", {id}}}.dump()).status, 409);
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/discard", "{}").status, 400) << "everything must be said";
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/discard", R"({"all": true})").parsed()["discarded"], 0);

  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/pause").status, 202);
  put("{\"account\": \"poor\", \"cents\": 1, \"number\": 3}\n");
  ASSERT_TRUE(until([&] { return node_->engine().snapshot().shards[1].state == mailroom::runtime::ShardState::paused; }));
  EXPECT_EQ(request("GET", "/api/v1/stages/ledger/state?key=poor").parsed()["reply"]["cents"], 45) << "a paused stage answers";
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/resume").status, 202);
  ASSERT_TRUE(until([&] { return request("GET", "/api/v1/stages/ledger/state?key=poor").parsed()["reply"]["cents"] == 46; }));
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/shards/1/restart").status, 202);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/shards/9/restart").status, 404);
  EXPECT_EQ(request("POST", "/api/v1/stages/in/shards/0/restart").status, 409);
  ASSERT_TRUE(until([&] { return node_->engine().snapshot().shards[2].restarts == 1; }));

  const auto wrong = request("DELETE", "/metrics");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.head, HasSubstr("Allow: GET"));
  EXPECT_EQ(request("GET", "/nothing").status, 404);
  EXPECT_EQ(request("GET", "/%zz").status, 400);
  EXPECT_EQ(request("GET", "/%").status, 400);

  node_->engine().request_stop(mailroom::runtime::StopMode::drain);
  node_->wait();
  EXPECT_EQ(request("GET", "/readyz").status, 503);
  EXPECT_EQ(request("GET", "/api/v1/stages/ledger/state?key=poor").status, 503);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/pause").status, 503);
}

TEST_F(FaceTest, MetricsHaveStandardNamesAndAddUp) {
  put("{\"account\": \"a\", \"cents\": 1, \"number\": 1}\n{\"account\": \"a\", \"cents\": 1, \"number\": 3}\n");
  start();
  ASSERT_TRUE(until([&] { return request("GET", "/metrics").body.find("mailroom_edge_processed_total{from=\"ledger\",to=\"out\"} 2") != std::string::npos; }));
  const auto reply = request("GET", "/metrics");
  EXPECT_THAT(reply.head, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(reply.body, AllOf(HasSubstr("# TYPE mailroom_events_handled_total counter\n"), HasSubstr("# TYPE mailroom_mailbox_wait_seconds histogram\n"),
                                HasSubstr("mailroom_mailbox_capacity{stage=\"ledger\",shard=\"0\"} 8192\n"), HasSubstr("process_resident_memory_bytes"),
                                HasSubstr("mailroom_edge_difference{from=\"in\",to=\"ledger\"} 0\n")));
  // Each family has its TYPE once; every sample's name belongs to the family above it; buckets rise to the count.
  std::istringstream lines(reply.body);
  std::string line, family;
  std::set<std::string> families;
  double bucket = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with("# HELP ")) continue;
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family << " twice";
      if (line.ends_with(" counter")) EXPECT_THAT(family, ::testing::EndsWith("_total"));
      continue;
    }
    EXPECT_THAT(line, StartsWith(family));
    const auto value = std::stod(line.substr(line.rfind(' ') + 1));
    if (line.find("_bucket{") != std::string::npos) {
      if (line.find("le=\"1e-06\"") == std::string::npos) EXPECT_GE(value, bucket) << line;
      bucket = value;
    }
  }
  EXPECT_GT(families.size(), 35u);
}

TEST_F(FaceTest, AWebPageOfAnotherSiteReachesNothing) {
  start();
  EXPECT_EQ(request("GET", "/healthz", {}, {}, "evil.example:" + std::to_string(face_->port())).status, 403) << "DNS rebinding";
  EXPECT_EQ(request("GET", "/healthz", {}, {}, "127.evil.example").status, 403);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/pause", {}, "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/pause", {}, "Origin: null\r\n").status, 403);
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/pause", {}, "Origin: http://localhost:3000\r\n").status, 403) << "another program's page";
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_EQ(request("GET", "/telemetry", {}, upgrade + "Sec-WebSocket-Protocol: mailroom.telemetry.v1\r\nOrigin: https://evil.example\r\n").status, 403);
  const Socket other(face_->port());
  other.send("GET /telemetry HTTP/1.1\r\nHost: " + face_->address() + "\r\n" + upgrade + "Sec-WebSocket-Protocol: mailroom.telemetry.v9\r\n\r\n");
  EXPECT_EQ(parse(other.read_all()).status, 400);
  EXPECT_EQ(request("GET", "/telemetry").status, 426);
  EXPECT_EQ(request("GET", "/healthz", {}, "Origin: " + face_->url() + "\r\n").status, 200);
  EXPECT_EQ(request("GET", "/healthz", {}, {}, "localhost:" + std::to_string(face_->port())).status, 200);
}

TEST(FaceAccess, OffLoopbackNeedsTlsAndAWayToTellWhoComes) {
  const auto refusal = [](ListenOptions options) {
    try {
      (void)Access(options);
      return std::string();
    } catch (const mailroom::BadValue& error) {
      return std::string(error.what());
    }
  };
  EXPECT_EQ(refusal({}), "");
  ListenOptions open;
  mailroom::cluster::read_listen_address(":7070", open);
  EXPECT_EQ(open.host, "0.0.0.0");
  EXPECT_THAT(refusal(open), HasSubstr("--tls-certificate"));
  open.certificate = "c.pem";
  open.private_key = "k.pem";
  EXPECT_THAT(refusal(open), HasSubstr("--tokens"));
  const auto tokens = fs::temp_directory_path() / ("mailroom-tokens-" + std::to_string(::getpid()));
  std::ofstream(tokens) << "viewer short\n";
  open.tokens = tokens;
  EXPECT_THAT(refusal(open), HasSubstr(":1: expected"));
  std::ofstream(tokens) << "# ours\nviewer 0123456789abcdef\noperator fedcba9876543210\n";
  EXPECT_EQ(refusal(open), "");
  const Access access(open);
  EXPECT_EQ(access.role_of("Bearer 0123456789abcdef", {}), Role::viewer);
  EXPECT_EQ(access.role_of("Bearer fedcba9876543210", {}), Role::op);
  EXPECT_EQ(access.role_of("Bearer fedcba9876543211", {}), std::nullopt);
  EXPECT_EQ(access.role_of("", Role::op), std::nullopt) << "no authority was named";
  EXPECT_EQ(access.role_of("", {}), std::nullopt);
  fs::remove(tokens);
  ListenOptions options;
  for (const auto* bad : {"", "x", "70000", "host:", "1.2.3.4:-1"}) EXPECT_THROW(mailroom::cluster::read_listen_address(bad, options), mailroom::BadValue) << bad;
  mailroom::cluster::read_listen_address("[::1]:80", options);
  EXPECT_EQ(options.host, "::1");
}

TEST_F(FaceTest, AViewerSeesAndAnOperatorChanges) {
  start();
  mailroom::cluster::HttpApi api(node_->engine(), "test", [](std::function<void()> work) {
    work();
    return true;
  });
  const auto status = [&](const std::string& method, const std::string& target, Role role) {
    unsigned found = 0;
    api.handle({method, target, R"({"all": true})", role}, [&](mailroom::cluster::ApiResponse response) { found = response.status; });
    until([&] { return found != 0; });
    return found;
  };
  EXPECT_EQ(status("GET", "/api/v1/dead-letters", Role::viewer), 200u);
  for (const auto* change : {"/api/v1/stages/ledger/pause", "/api/v1/stages/ledger/resume", "/api/v1/stages/ledger/shards/0/restart",
                             "/api/v1/dead-letters/retry", "/api/v1/dead-letters/discard"}) {
    EXPECT_EQ(status("POST", change, Role::viewer), 403u) << change;
    EXPECT_LT(status("POST", change, Role::op), 300u) << change;
  }
}

TEST_F(FaceTest, WithTlsATokenSaysWhoComesAndPlainTextGetsNowhere) {
  const auto file = [&](const char* name) { return (folder_ / name).string(); };
  if (std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost "
                   "-addext subjectAltName=IP:127.0.0.1 -keyout " + file("key.pem") + " -out " + file("cert.pem") + " 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no openssl program to make a certificate with";
  std::ofstream(file("tokens")) << "viewer 0123456789abcdef\noperator fedcba9876543210\n";
  start();
  ListenOptions options;
  options.certificate = file("cert.pem");
  options.private_key = file("key.pem");
  options.tokens = file("tokens");
  face_ = std::make_unique<Face>(node_->engine(), options, "mailroom test");
  EXPECT_THAT(face_->url(), StartsWith("https://127.0.0.1:"));
  auto address = mailroom::cluster::read_telemetry_address(face_->url());
  address.ca = file("cert.pem");
  const auto role = [&](const std::string& token) {
    address.token = token;
    mailroom::cluster::TelemetryClient one(address, std::chrono::seconds(15));
    return next(one, "hello")["role"];
  };
  EXPECT_EQ(role("0123456789abcdef"), "viewer");
  EXPECT_EQ(role("fedcba9876543210"), "operator");
  EXPECT_THROW(role("0123456789abcdeX"), mailroom::cluster::Disconnected);
  EXPECT_THROW(role(""), mailroom::cluster::Disconnected);
  address.ca.clear();
  EXPECT_THROW(role("fedcba9876543210"), mailroom::cluster::Disconnected) << "a certificate that nobody vouches for";
  EXPECT_EQ(request("GET", "/healthz").status, 0) << "plain text";
}

TEST_F(FaceTest, TheWebSocketTellsAllThatHappensFromItsBeginningOn) {
  start();
  const auto one = client();
  const auto hello = next(*one, "hello");
  EXPECT_EQ(hello["topology"], "face");
  EXPECT_EQ(hello["role"], "operator");
  EXPECT_EQ(hello["shards"], json::parse(R"([["in", 0], ["ledger", 0], ["ledger", 1], ["out", 0]])"));
  EXPECT_EQ(hello["edges"][0], (json{{"from", "in"}, {"to", "ledger"}, {"events", {"Put"}}, {"feedback", false}}));
  EXPECT_EQ(hello["stages"][1]["watch_order"]["sequence"], "number");
  mailroom::cluster::GaugeRows rows;
  auto gauges = next(*one, "gauges");
  EXPECT_TRUE(gauges["full"]);
  ASSERT_EQ(gauges["shards"].size(), 4u);
  EXPECT_EQ(gauges["shards"][0].size(), 1 + hello["shard_columns"].size());
  EXPECT_EQ(gauges["edges"][0].size(), 1 + hello["edge_columns"].size());
  EXPECT_EQ(gauges["sources"][0].size(), 1 + hello["source_columns"].size());
  rows.apply(gauges);

  put("{\"account\": \"a\", \"cents\": 1, \"number\": 1}\n{\"account\": \"a\", \"cents\": 1, \"number\": 3}\n"
      "{\"account\": \"a\", \"cents\": 1, \"number\": 2}\n{\"account\": \"a\", \"cents\": 1, \"number\": 2}\n{\"account\": \"broken\", \"cents\": 1, \"number\": 1}\n");
  std::vector<std::string> kinds;
  json spans = json::array();
  std::uint64_t in = 0;
  bool partial = false;
  ASSERT_TRUE(until([&] {
    const auto bytes = one->read(std::chrono::seconds(1));
    if (!bytes) return false;
    const auto frame = json::from_cbor(*bytes);
    if (frame["type"] == "gauges") {
      rows.apply(frame);
      partial = partial || (!frame["full"].get<bool>() && frame["shards"].size() < 4);
      in = 0;
      for (const auto& [index, row] : rows.shards())
        if (index == 1 || index == 2) in += row[4].get<std::uint64_t>();
    }
    if (frame["type"] == "events")
      for (const auto& event : frame["events"]) kinds.push_back(event["kind"]);
    if (frame["type"] == "spans")
      for (const auto& span : frame["spans"]) spans.push_back(span);
    return in == 5 && kinds.size() == 5;
  }));
  EXPECT_THAT(kinds, ElementsAre("gap", "late", "gap_filled", "duplicate", "retry"));
  EXPECT_TRUE(partial) << "only rows that changed";

  // A second one begins where it came.
  const auto two = client();
  two->subscribe(20, false, true, false);
  next(*two, "hello");
  put("{\"account\": \"a\", \"cents\": 1, \"number\": 3}\n");
  EXPECT_EQ(next(*two, "events")["events"][0]["kind"], "duplicate");
  EXPECT_EQ(next(*one, "gauges")["clients"], 2);
  // The end is told before the connection closes.
  node_->engine().request_stop(mailroom::runtime::StopMode::drain);
  node_->wait();
  std::thread closing([&] { face_.reset(); });
  std::vector<std::string> last;
  try {
    for (;;)
      if (const auto bytes = two->read(std::chrono::seconds(10))) {
        const auto frame = json::from_cbor(*bytes);
        if (frame["type"] == "events")
          for (const auto& event : frame["events"]) last.push_back(event["kind"]);
      }
  } catch (const mailroom::cluster::Disconnected& error) {
    EXPECT_THAT(error.what(), HasSubstr("the node has ended"));
  }
  closing.join();
  EXPECT_THAT(last, ElementsAre("stopping", "ended"));
}

TEST_F(FaceTest, WhoSendsNonsenseOrTooMuchIsShownTheDoor) {
  start();
  const auto ends = [&](const std::vector<std::string>& messages) {
    const auto one = client();
    try {
      for (const auto& message : messages) one->send(message);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (std::chrono::steady_clock::now() < deadline) (void)one->read(std::chrono::seconds(1));
    } catch (const mailroom::cluster::Disconnected&) {
      return true;
    }
    return false;
  };
  const auto cbor = [](const json& value) {
    std::string bytes;
    json::to_cbor(value, bytes);
    return bytes;
  };
  EXPECT_TRUE(ends({"no cbor"}));
  EXPECT_TRUE(ends({cbor(json::array({1, 2}))}));
  EXPECT_TRUE(ends({cbor({{"type", "subscribe"}, {"more", std::string(5000, 'x')}})})) << "larger than 4 KiB";
  EXPECT_TRUE(ends(std::vector<std::string>(60, cbor({{"type", "subscribe"}})))) << "more than 50 a second";
  EXPECT_EQ(request("GET", "/healthz").status, 200);
}

// Whatever the bytes are: no crash, no long time, no deep stack.
TEST(ClientMessage, AMillionFuzzedFramesDoNoHarm) {
  std::mt19937_64 random(1);
  std::string valid;
  json::to_cbor({{"type", "subscribe"}, {"rate_hz", 10}, {"gauges", true}, {"events", false}, {"spans", {1, {{"a", 2.5}}, nullptr}}}, valid);
  mailroom::cluster::Subscription subscription;
  EXPECT_TRUE(mailroom::cluster::read_client_message(valid, subscription));
  EXPECT_EQ(subscription.rate_hz, 10);
  EXPECT_FALSE(subscription.events);
  std::size_t read = 0;
  for (int n = 0; n < 1'000'000; ++n) {
    auto bytes = valid;
    if (n % 3 == 0) {
      bytes.assign(random() % 64, '\0');
      for (auto& c : bytes) c = static_cast<char>(random());
    } else {
      for (auto flips = 1 + random() % 4; flips > 0; --flips) bytes[random() % bytes.size()] = static_cast<char>(random());
      if (n % 5 == 0) bytes.resize(random() % (bytes.size() + 1));
    }
    read += mailroom::cluster::read_client_message(bytes, subscription);
    ASSERT_GE(subscription.rate_hz, 0.1);
    ASSERT_LE(subscription.rate_hz, 20);
  }
  EXPECT_GT(read, 1000u) << "some must get through to the parser proper";
  EXPECT_FALSE(mailroom::cluster::read_client_message(std::string(4096, '\x81'), subscription)) << "4,096 arrays in one another";
  EXPECT_FALSE(mailroom::cluster::read_client_message(std::string("\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9), subscription));
}

TEST_F(FaceTest, AnHonestClientIsAnsweredWhileHostileOnesHang) {
  FaceLimits limits;
  limits.connections = 40;
  start(limits);
  // Three times as many as there is room for: silent ones, ones that trickle, ones that only begin a request or a WebSocket.
  std::vector<std::unique_ptr<Socket>> hostile;
  std::mt19937_64 random(2);
  for (int n = 0; n < 120; ++n) {
    hostile.push_back(std::make_unique<Socket>(face_->port()));
    ASSERT_TRUE(hostile.back()->connected());
    std::string garbage(1 + random() % 200, '\0');
    for (auto& c : garbage) c = static_cast<char>(random());
    switch (n % 4) {
      case 0: break;
      case 1: hostile.back()->send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "); break;
      case 2: hostile.back()->send(garbage); break;
      case 3: hostile.back()->send("POST /api/v1/stages/ledger/state HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n{"); break;
    }
    if (n % 10 == 0) EXPECT_EQ(request("GET", "/healthz").status, 200) << "after " << n;
  }
  for (int n = 0; n < 20; ++n) {
    EXPECT_EQ(request("GET", "/healthz").status, 200);
    for (const auto& one : hostile) one->send("x");
  }
  EXPECT_EQ(request("GET", "/healthz", {}, "X-Long: " + std::string(9000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/retry", std::string(70'000, 'x')).status, 413);
}

TEST_F(FaceTest, ARequestThatTricklesEndsByItsDeadlineAndAStuckShardIsSaid) {
  FaceLimits limits;
  limits.request = std::chrono::milliseconds(300);
  limits.answer = std::chrono::milliseconds(100);
  start(limits);
  const Socket slow(face_->port());
  const auto begin = std::chrono::steady_clock::now();
  std::thread trickle([&] {
    for (int n = 0; n < 100 && slow.send("G"); ++n) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  EXPECT_EQ(slow.read_all(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "each byte must not buy more time";
  trickle.join();
  EXPECT_EQ(request("GET", "/healthz").status, 200);
}

TEST_F(FaceTest, AClientThatDoesNotReadCostsTheOthersNothing) {
  start();
  const auto deaf = client();
  const auto honest = client();
  next(*honest, "hello");
  std::string lines;
  for (int n = 0; n < 20'000; ++n) lines += "{\"account\": \"poor\", \"cents\": -1, \"number\": " + std::to_string(n) + "}\n";
  put(lines);
  std::uint64_t dead = 0;
  EXPECT_TRUE(until([&] {
    const auto frame = next(*honest, "gauges");
    for (const auto& row : frame["shards"])
      if (row[0] == 1 || row[0] == 2) dead = std::max(dead, row[9].get<std::uint64_t>());
    return dead == 20'000;
  }));
}

TEST_F(FaceTest, ARecordedSessionIsReadableFromEverySecond) {
  start();
  const auto one = client();
  const auto file = folder_ / "run.mailroom-session";
  mailroom::cluster::SessionWriter writer(file);
  std::int64_t now = 1'000'000;
  put("{\"account\": \"a\", \"cents\": 1, \"number\": 1}\n");
  for (int n = 0; n < 30; ++n)
    if (const auto frame = one->read(std::chrono::seconds(5))) writer.add(*frame, now += 100'000);
  writer.close();
  std::ifstream in(file, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), {});
  ASSERT_TRUE(all.starts_with("MAILROOM-SESSION-1\n"));
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(all[at + i]);
    return value;
  };
  const auto index = number(all.size() - 8, 8);
  ASSERT_EQ(number(index, 4), 0xFFFFFFFFu);
  const auto count = number(index + 4, 4);
  ASSERT_GE(count, 2u);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at_us = number(index + 8 + 16 * i, 8), offset = number(index + 16 + 16 * i, 8);
    EXPECT_EQ(number(offset + 4, 8), at_us);
    const auto frame = json::from_cbor(all.substr(offset + 12, number(offset, 4)));
    EXPECT_EQ(frame["type"], "gauges");
    EXPECT_TRUE(frame["full"]);
    EXPECT_EQ(frame["shards"].size(), 4u);
  }
  EXPECT_EQ(json::from_cbor(all.substr(31, number(19, 4)))["type"], "hello");
}

}  // namespace face_test
