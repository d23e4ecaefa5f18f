// The node's face: what it answers, to whom, and what hostile clients cost it.
#include <arpa/inet.h>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <regex>
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
#include "cluster/face/top_table.hpp"
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
  [[nodiscard]] std::string file(const std::string& name) const { return (folder_ / name).string(); }
  static bool shell(const std::string& command) { return std::system((command + " 2>/dev/null").c_str()) == 0; }
  // An openssl request's new key, without a passphrase.
  static constexpr const char* new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 ";
  // A certificate for this address, its own authority, in cert.pem and key.pem. False: there is no openssl program.
  [[nodiscard]] bool make_certificate() const {
    return shell(std::string("openssl req -x509 ") + new_key + "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout " + file("key.pem") + " -out " + file("cert.pem"));
  }
  // The face with that certificate; the address trusts it.
  mailroom::cluster::TelemetryAddress listen_with_tls(ListenOptions options) {
    options.certificate = file("cert.pem");
    options.private_key = file("key.pem");
    face_ = std::make_unique<Face>(node_->engine(), options, "mailroom test");
    auto address = mailroom::cluster::read_telemetry_address(face_->url());
    address.ca = file("cert.pem");
    return address;
  }
  void put(const std::string& lines) { std::ofstream(folder_ / "in.jsonl", std::ios::app) << lines; }
  void start(FaceLimits limits = {}, const std::string& ledger_members = "{}", std::optional<mailroom::runtime::Durability> durability = {}) {
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
    options.durability = durability;
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

TEST_F(FaceTest, WhatIsToBeTriedAgainOrDiscardedIsSaidInTheBodyAndOnlyOnce) {
  put("{\"account\": \"poor\", \"cents\": -5, \"number\": 1}\n{\"account\": \"broke\", \"cents\": -5, \"number\": 1}\n");
  start();
  ASSERT_TRUE(until([&] { return request("GET", "/api/v1/dead-letters").parsed()["letters"].size() == 2; }));
  for (const std::string change : {"/api/v1/dead-letters/discard", "/api/v1/dead-letters/retry"}) {
    const auto keyed = request("POST", change + "?key=nobody", R"({"all": true})");
    EXPECT_EQ(keyed.status, 400) << change;
    EXPECT_THAT(keyed.body, AllOf(HasSubstr("key"), HasSubstr("body")));
    EXPECT_EQ(request("POST", change + "?stage=in", R"({"ids": ["ledger/0:1", "ledger/1:1"]})").status, 400) << change;
    for (const std::string other : {R"("ids": ["ledger/0:1"])", R"("ids": [])", R"("stage": "in")", R"("key": "nobody")", R"("kind": "failed")"}) {
      const auto both = request("POST", change, R"({"all": true, )" + other + "}");
      EXPECT_EQ(both.status, 400) << change << " " << other;
      EXPECT_THAT(both.body, AllOf(HasSubstr("all"), HasSubstr(other.substr(1, other.find('"', 1) - 1)))) << change;
    }
  }
  for (const auto* post : {"/api/v1/stages/ledger/pause?x=1", "/api/v1/stages/ledger/resume?x", "/api/v1/stages/ledger/shards/0/restart?x=1"})
    EXPECT_EQ(request("POST", post).status, 400) << post;
  EXPECT_EQ(request("POST", "/api/v1/stages/ledger/state?key=poor", R"({"key": "broke"})").status, 400);
  EXPECT_EQ(request("GET", "/api/v1/dead-letters").parsed()["letters"].size(), 2u) << "nothing was done";
  EXPECT_EQ(request("POST", "/api/v1/dead-letters/discard", R"({"all": true})").parsed()["discarded"], 2);
}

TEST_F(FaceTest, DeadLettersAreListedPageByPage) {
  std::string lines;
  for (int n = 0; n < 25; ++n) lines += "{\"account\": \"poor" + std::to_string(n % 7) + "\", \"cents\": -1, \"number\": " + std::to_string(n) + "}\n";
  for (const auto durability : {mailroom::runtime::Durability::durable, mailroom::runtime::Durability::memory}) {
    face_.reset();
    node_.reset();
    fs::remove_all(folder_ / "data");
    fs::remove(folder_ / "in.jsonl");
    put(lines);
    start({}, "{}", durability);
    ASSERT_TRUE(until([&] { return request("GET", "/api/v1/dead-letters").parsed()["letters"].size() == 25; }));
    const auto ids = [](const json& list) {
      std::vector<std::string> all;
      for (const auto& letter : list["letters"]) all.push_back(letter["id"]);
      return all;
    };
    const auto whole = ids(request("GET", "/api/v1/dead-letters").parsed());
    std::vector<std::string> paged;
    std::string after;
    for (int page = 0; page < 10; ++page) {
      const auto list = request("GET", "/api/v1/dead-letters?limit=4" + (after.empty() ? "" : "&after=" + after)).parsed();
      for (auto& id : ids(list)) paged.push_back(id);
      if (!list["more"].get<bool>()) break;
      ASSERT_EQ(list["letters"].size(), 4u);
      after = paged.back();
    }
    EXPECT_EQ(paged, whole);
    EXPECT_EQ(request("GET", "/api/v1/dead-letters?after=ledger/1:999999").parsed()["letters"].size(), 0u);
    EXPECT_EQ(ids(request("GET", "/api/v1/dead-letters?id=" + whole[3] + "&id=" + whole[9]).parsed()), (std::vector{whole[3], whole[9]})) << "each id counts";
  }
}

TEST_F(FaceTest, AnUnclearQuestionIsRefusedAndNotGuessedAt) {
  start();
  const auto refused = [&](const std::string& target, const std::string& text) {
    const auto reply = request("GET", target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_THAT(reply.body, HasSubstr(text)) << target;
  };
  refused("/api/v1/dead-letters?parked=banana", "true or false");
  refused("/api/v1/dead-letters?parked", "true or false");
  refused("/api/v1/dead-letters?after=17", "after");
  refused("/api/v1/dead-letters?key=a&key=b", "twice");
  refused("/api/v1/stages/ledger/state", "key is missing");
  refused("/api/v1/stages/ledger/state?kye=a", "kye");
  for (const auto* value : {"true", "false", "1", "0"}) EXPECT_EQ(request("GET", std::string("/api/v1/dead-letters?parked=") + value).status, 200) << value;
  EXPECT_EQ(request("GET", "/api/v1/dead-letters?parked=true&kind=follows").status, 200);
}

// Who records what it can't read again must not cost him a file that he has.
TEST_F(FaceTest, ASessionIsWrittenOverOnlyWhenThatIsSaidAndNothingElseEver) {
  using mailroom::cluster::SessionWriter;
  const auto read = [&](const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  const auto refusal = [&](const fs::path& path, bool over) -> std::string {
    try {
      SessionWriter writer(path, over);
    } catch (const mailroom::BadValue& error) {
      return error.what();
    }
    return {};
  };
  std::ofstream(file("bank.json")) << "precious";
  for (const bool over : {false, true}) EXPECT_THAT(refusal(file("bank.json"), over), AllOf(HasSubstr("bank.json"), HasSubstr("no session")));
  EXPECT_EQ(read(file("bank.json")), "precious");
  EXPECT_EQ(refusal(file("run"), false), "");
  EXPECT_THAT(refusal(file("run"), false), HasSubstr("--force"));
  EXPECT_EQ(refusal(file("run"), true), "");
}

TEST_F(FaceTest, MetricsHaveStandardNamesAndAddUp) {
  put("{\"account\": \"a\", \"cents\": 1, \"number\": 1}\n{\"account\": \"a\", \"cents\": 1, \"number\": 3}\n");
  start();
  ASSERT_TRUE(until([&] { return request("GET", "/metrics").body.find("mailroom_edge_processed_total{from=\"ledger\",to=\"out\"} 2") != std::string::npos; }));
  const auto reply = request("GET", "/metrics");
  EXPECT_THAT(reply.head, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(reply.body, AllOf(HasSubstr("# TYPE mailroom_events_handled_total counter\n"), HasSubstr("# TYPE mailroom_mailbox_wait_seconds histogram\n"),
                                HasSubstr("mailroom_mailbox_capacity{stage=\"ledger\",shard=\"0\"} 8192\n"), HasSubstr("process_resident_memory_bytes"),
                                HasSubstr("mailroom_source_ended{stage=\"in\"} 0\n"), HasSubstr("mailroom_source_position{stage=\"in\",unit=\"bytes\"} "),
                                ::testing::ContainsRegex("\nmailroom_journal_size_bytes [1-9]"), HasSubstr("timers"),
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
      if (line.ends_with(" counter")) {
        EXPECT_THAT(family, ::testing::EndsWith("_total"));
      }
      continue;
    }
    EXPECT_THAT(line, StartsWith(family));
    const auto value = std::stod(line.substr(line.rfind(' ') + 1));
    if (line.find("_bucket{") != std::string::npos) {
      if (line.find("le=\"1e-06\"") == std::string::npos) {
        EXPECT_GE(value, bucket) << line;
      }
      bucket = value;
    }
  }
  EXPECT_GT(families.size(), 35u);
}

// What people look at must be there, under the names that it is looked for, and of the type that the query takes it for.
TEST_F(FaceTest, EachMetricOfTheGrafanaDashboardAndOfTheDocsIsServed) {
  put("{\"account\": \"a\", \"cents\": 1, \"number\": 1}\n");
  start();
  ASSERT_TRUE(until([&] { return handled() == 1; }));
  const auto served = request("GET", "/metrics").body;
  std::map<std::string, std::string> types;
  std::map<std::string, std::set<std::string>> labels;
  std::istringstream lines(served);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      std::string name, type;
      words >> name >> type;
      types[name] = type;
    } else if (!line.starts_with("#")) {
      const auto name = line.substr(0, line.find_first_of("{ "));
      for (auto at = line.find('{'); at != std::string::npos && at + 1 < line.size() && line[at] != '}';) {
        const auto equals = line.find("=\"", at);
        if (equals == std::string::npos) break;
        labels[name].insert(line.substr(at + 1, equals - at - 1));
        at = line.find('"', equals + 2) + 1;
      }
    }
  }
  const auto type_of = [&](std::string name) {
    for (const std::string end : {"_bucket", "_sum", "_count"})
      if (name.ends_with(end) && types.contains(name.substr(0, name.size() - end.size()))) return types[name.substr(0, name.size() - end.size())];
    return types.contains(name) ? types[name] : std::string("not served");
  };

  std::ifstream file(MAILROOM_SOURCE_DIR "/docs/grafana-dashboard.json");
  const auto dashboard = json::parse(file);
  int panels = 0, queries = 0;
  std::function<void(const json&)> look = [&](const json& panel) {
    for (const auto& inner : panel.value("panels", json::array())) look(inner);
    if (!panel.contains("targets")) return;
    ++panels;
    for (const auto& target : panel["targets"]) {
      auto unit = panel.at("fieldConfig").at("defaults").value("unit", "none");
      for (const auto& one : panel["fieldConfig"].value("overrides", json::array()))
        if (one["matcher"]["options"] == target.value("legendFormat", ""))
          for (const auto& property : one["properties"])
            if (property["id"] == "unit") unit = property["value"];
      const auto query = target.at("expr").get<std::string>();
      ++queries;
      const std::regex metric(R"((mailroom|process)_[a-z_]+)");
      for (std::sregex_iterator found(query.begin(), query.end(), metric), none; found != none; ++found) {
        const auto name = found->str();
        const auto type = type_of(name);
        EXPECT_NE(type, "not served") << name << " in \"" << panel["title"] << "\": " << query;
        const auto before = query.substr(0, static_cast<std::size_t>(found->position()));
        const bool as_counter = before.ends_with("rate(") || before.ends_with("increase(");
        if (type == "gauge") { EXPECT_FALSE(as_counter) << query; }
        if (type == "histogram") { EXPECT_TRUE(as_counter && query.starts_with("histogram_quantile(")) << query; }
        // Seconds a second are a share of a core.
        if (name.find("_seconds") != std::string::npos) { EXPECT_EQ(unit, name.ends_with("_seconds_total") ? "percentunit" : "s") << query; }
        if (name.find("_bytes") != std::string::npos) { EXPECT_EQ(unit, "bytes") << query; }
        // What is summed by must be a label of it.
        if (const auto by = query.find(" by ("); by != std::string::npos) {
          std::istringstream names(query.substr(by + 5, query.find(')', by) - by - 5));
          for (std::string label; std::getline(names >> std::ws, label, ',');)
            EXPECT_TRUE(labels[name].contains(label)) << label << " is no label of " << name << " in " << query;
        }
      }
    }
  };
  look(dashboard);
  EXPECT_GT(panels, 10);
  EXPECT_GT(queries, 15);

  // docs/operations.md names them in full or, after the first of a row, by their ends.
  std::ifstream page(MAILROOM_SOURCE_DIR "/docs/operations.md");
  const std::string all((std::istreambuf_iterator<char>(page)), {});
  const auto begin = all.find("### Metrics");
  ASSERT_NE(begin, std::string::npos);
  std::istringstream rows(all.substr(begin, all.find("\n## ", begin) - begin));
  std::set<std::string> said;
  for (std::string row; std::getline(rows, row);) {
    if (!row.starts_with("| `")) continue;
    const auto cell = row.substr(0, row.find('|', 2));
    const std::regex word("`([a-z_]+)`");
    std::string base;
    for (std::sregex_iterator found(cell.begin(), cell.end(), word), none; found != none; ++found) {
      const auto name = (*found)[1].str();
      if (!name.starts_with("_") && !name.starts_with("mailroom_") && !name.starts_with("process_")) continue;  // a label
      if (!name.starts_with("_")) {
        base = name;
        said.insert(name);
        EXPECT_NE(type_of(name), "not served") << name;
        continue;
      }
      // "_restarts_total" after mailroom_failures_total: some beginning of the base with this end.
      bool any = false;
      for (auto cut = base.size(); cut != std::string::npos && cut > 0; cut = base.rfind('_', cut - 1))
        if (type_of(base.substr(0, cut) + name) != "not served") {
          any = true;
          said.insert(base.substr(0, cut) + name);
          break;
        }
      EXPECT_TRUE(any) << name << " after " << base;
    }
  }
  for (const auto& [name, type] : types) EXPECT_TRUE(said.contains(name)) << name << " is served and stands nowhere in docs/operations.md";
}

TEST_F(FaceTest, TheApiIsThatOfItsPageAndNothingElse) {
  start();
  std::ifstream file(MAILROOM_SOURCE_DIR "/docs/openapi.json");
  const auto page = json::parse(file);
  EXPECT_EQ(request("GET", "/openapi.json").parsed(), page);
  const std::set<std::string> all_methods = {"get", "put", "post", "delete", "patch", "options", "head"};
  std::set<std::string> documented;
  for (const auto& [path, members] : page["paths"].items()) {
    documented.insert(path);
    auto target = path;
    for (const auto& [parameter, value] : {std::pair("{stage}", "ledger"), std::pair("{shard}", "0")})
      if (const auto at = target.find(parameter); at != std::string::npos) target.replace(at, std::string(parameter).size(), value);
    for (const auto& method : all_methods) {
      if (method == "head" || method == "options") continue;
      auto upper = method;
      for (auto& c : upper) c = static_cast<char>(std::toupper(c));
      const auto body = method == "post" ? std::string(R"({"ids": ["ledger/0:1"]})") : std::string();
      const auto answer = request(upper, target, path.find("dead-letters/") != std::string::npos || path.ends_with("/state") ? body : std::string());
      if (!members.contains(method)) {
        EXPECT_EQ(answer.status, 405) << upper << " " << target;
        continue;
      }
      EXPECT_NE(answer.status, 405) << upper << " " << target;
      EXPECT_TRUE(members[method]["responses"].contains(std::to_string(answer.status))) << upper << " " << target << " answers " << answer.status << ", which its page does not know: " << answer.body;
      if (answer.status == 404) { EXPECT_NE(answer.parsed()["error"]["code"], "unknown") << upper << " " << target << ": no such path"; }
      // Everything that is $ref'd is there.
      for (const auto& [status, response] : members[method]["responses"].items())
        if (response.contains("$ref")) { EXPECT_NO_THROW((void)page.at(json::json_pointer(response["$ref"].get<std::string>().substr(1)))) << response["$ref"]; }
    }
  }
  // The node's own list of its paths, as the source has it: each is documented.
  std::ifstream source(MAILROOM_SOURCE_DIR "/cluster/face/http_api.cpp");
  const std::string code((std::istreambuf_iterator<char>(source)), {});
  const std::regex route(R"(is\(\{([^}]*)\}\))");
  int routes = 0;
  for (std::sregex_iterator found(code.begin(), code.end(), route), none; found != none; ++found) {
    std::string path;
    std::istringstream parts((*found)[1].str());
    std::string before;
    for (std::string part; std::getline(parts >> std::ws, part, ',');) {
      const auto name = part == "nullptr" ? before == "stages" ? "{stage}" : "{shard}" : part.substr(1, part.size() - 2);
      path += "/" + name;
      before = name;
    }
    EXPECT_TRUE(documented.contains(path)) << path << " is served and not in docs/openapi.json";
    ++routes;
  }
  EXPECT_EQ(static_cast<std::size_t>(routes), documented.size());
  for (const auto* none : {"/api", "/api/v1", "/api/v2/snapshot", "/api/v1/stages", "/api/v1/stages/ledger", "/api/v1/dead-letters/erase", "/metrics/", "/admin", "/debug/pprof", "/.env"})
    EXPECT_EQ(request("GET", none).status, none == std::string("/metrics/") ? 200 : 404) << none;
}

TEST_F(FaceTest, MemoryModeSaysHowManyDeadLettersItForgot) {
  start({}, "{}", mailroom::runtime::Durability::memory);
  const auto one = client();
  EXPECT_EQ(next(*one, "gauges")["letters_forgotten"], 0);
  EXPECT_EQ(request("GET", "/api/v1/dead-letters").parsed()["forgotten"], 0);
  std::string lines;
  for (int n = 0; n < 10'007; ++n) lines += "{\"account\": \"poor\", \"cents\": -1, \"number\": " + std::to_string(n) + "}\n";
  put(lines);
  ASSERT_TRUE(until([&] { return next(*one, "gauges")["letters_forgotten"] == 7; }));
  const auto list = request("GET", "/api/v1/dead-letters?limit=1").parsed();
  EXPECT_EQ(list["forgotten"], 7);
  EXPECT_EQ(list["letters"][0]["id"].get<std::string>().substr(0, 7), "ledger/");
}

TEST_F(FaceTest, AClientCertificateIsARoleAndWithoutOneNobodyIsLetIn) {
  if (!make_certificate()) GTEST_SKIP() << "no openssl program to make certificates with";
  for (const std::string authority : {"ours", "theirs"})
    ASSERT_TRUE(shell(std::string("openssl req -x509 ") + new_key + "-subj /CN=" + authority + " -keyout " + file(authority + "-ca.key") + " -out " + file(authority + "-ca.pem")));
  for (const auto& [name, subject, authority] : {std::tuple<std::string, std::string, std::string>("viewer", "/CN=ann", "ours"),
                                                 {"operator", "/OU=operator/CN=bob", "ours"}, {"stranger", "/OU=operator/CN=eve", "theirs"}})
    ASSERT_TRUE(shell(std::string("openssl req ") + new_key + "-subj " + subject + " -keyout " + file(name + ".key") + " -out " + file("request.pem")) &&
                shell("openssl x509 -req -days 1 -in " + file("request.pem") + " -CA " + file(authority + "-ca.pem") + " -CAkey " + file(authority + "-ca.key") +
                      " -CAcreateserial -out " + file(name + ".pem")));
  start();
  ListenOptions options;
  options.client_ca = file("ours-ca.pem");
  auto address = listen_with_tls(options);
  const auto role = [&](const std::string& certificate, const std::string& with_key) {
    address.certificate = certificate.empty() ? "" : file(certificate);
    address.private_key = with_key.empty() ? "" : file(with_key);
    mailroom::cluster::TelemetryClient one(address, std::chrono::seconds(15));
    return next(one, "hello")["role"].get<std::string>();
  };
  EXPECT_EQ(role("viewer.pem", "viewer.key"), "viewer");
  EXPECT_EQ(role("operator.pem", "operator.key"), "operator");
  ASSERT_TRUE(shell("cat " + file("operator.pem") + " " + file("operator.key") + " > " + file("both.pem")));
  EXPECT_EQ(role("both.pem", ""), "operator") << "certificate and key in one file";
  const auto refusal = [&](const std::string& certificate, const std::string& with_key) -> std::string {
    try {
      return role(certificate, with_key);
    } catch (const mailroom::cluster::Disconnected& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal("", ""), HasSubstr("give --tls-certificate"));
  EXPECT_THAT(refusal("stranger.pem", "stranger.key"), HasSubstr("does not trust"));
  EXPECT_THROW(role("viewer.pem", "operator.key"), mailroom::BadValue);
  EXPECT_THROW(role("nothing.pem", ""), mailroom::BadValue);
  EXPECT_THROW(role("viewer.pem", ""), mailroom::BadValue) << "there is no key in it";
  // The API goes by the same roles.
  const auto post = [&](const std::string& who) {
    const auto out = file("answer");
    (void)shell("printf 'POST /api/v1/stages/ledger/pause HTTP/1.1\\r\\nHost: " + face_->address() + "\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n' | "
                      "openssl s_client -quiet -connect " + face_->address() + " -CAfile " + file("cert.pem") + " -cert " + file(who + ".pem") + " -key " +
                      file(who + ".key") + " > " + out);
    std::ifstream in(out);
    return parse(std::string((std::istreambuf_iterator<char>(in)), {})).status;
  };
  EXPECT_EQ(post("viewer"), 403);
  EXPECT_EQ(post("operator"), 202);
}

TEST(TopTable, FitsTheTerminalAndLeavesOutWhatSaysLeast) {
  json hello = {{"type", "hello"}, {"topology", "orders"}, {"node", "n1"}, {"durable", true}, {"stages", json::array()}, {"shards", json::array()},
                {"shard_columns", {"state", "depth", "in", "out", "retries", "restarts", "dead_letters", "late", "duplicates", "missing", "order_breaks", "wait_p99_us"}}};
  json rows = json::array();
  for (int n = 0; n < 30; ++n) {
    const auto name = "a-stage-with-a-longer-name-" + std::to_string(n);
    hello["stages"].push_back({{"name", name}, {"capacity", 1000}});
    hello["shards"].push_back({name, 0});
    rows.push_back({n, n == 20 ? 5 : 0, n == 20 ? 990 : 0, 100, 100, 1'234'567, 0, n == 7 ? 3 : 0, 0, 0, 0, 0, 80});
  }
  mailroom::cluster::TopTable table(hello, false);
  const auto begin = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  const json gauges = {{"type", "gauges"}, {"full", true}, {"uptime_us", 5'000'000}, {"rss_bytes", 1 << 25}, {"shards", rows}, {"edges", json::array()}, {"sources", json::array()}};
  table.take(gauges, begin);
  json events = json::array();
  for (int n = 0; n < 60; ++n) events.push_back({{"at_us", 0}, {"kind", "late"}, {"shard", 7}, {"key", "k\x1b[2J\xC2\x9B" + std::to_string(n)}, {"text", std::string(300, 'x')}});
  table.take({{"type", "events"}, {"dropped", 0}, {"events", events}}, begin);
  for (const auto& [columns, lines] : {std::pair<std::size_t, std::size_t>(80, 24), {200, 50}, {40, 10}, {20, 5}, {132, 43}}) {
    const auto text = table.text(begin + std::chrono::seconds(1), {columns, lines, false});
    std::istringstream in(text);
    std::size_t count = 0;
    for (std::string line; std::getline(in, line); ++count) {
      const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
      EXPECT_LE(width, static_cast<std::ptrdiff_t>(columns)) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos) << "a key drives the terminal";
    }
    EXPECT_LE(count, lines) << text;
    if (lines >= 24) {
      EXPECT_THAT(text, AllOf(HasSubstr("stuck"), HasSubstr("wait p99"))) << "what is wrong is never left out";
      EXPECT_THAT(text, HasSubstr("late"));
    }
    if (columns == 80) { EXPECT_THAT(text, AllOf(HasSubstr("calmer ones"), ::testing::Not(HasSubstr("retries")))); }
    if (columns == 200) { EXPECT_THAT(text, AllOf(HasSubstr("retries"), HasSubstr("a-stage-with-a-longer-name-2"))); }
  }
  EXPECT_THAT(table.text(begin + std::chrono::seconds(9), {80, 24, false}), HasSubstr("silent for 9 s"));
  EXPECT_THAT(table.text(begin, {}), HasSubstr("a-stage-with-a-longer-name-29")) << "a file has room for all";
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
  std::ofstream(tokens) << "# ours\nviewer 0123456789abcdef\r\n\r\noperator fedcba9876543210\n";
  EXPECT_EQ(refusal(open), "") << "also a file that was written on Windows";
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
  if (!make_certificate()) GTEST_SKIP() << "no openssl program to make a certificate with";
  std::ofstream(file("tokens")) << "viewer 0123456789abcdef\noperator fedcba9876543210\n";
  start();
  ListenOptions options;
  options.tokens = file("tokens");
  auto address = listen_with_tls(options);
  EXPECT_THAT(face_->url(), StartsWith("https://127.0.0.1:"));
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
  const auto why = [](mailroom::cluster::TelemetryAddress to) -> std::string {
    try {
      mailroom::cluster::TelemetryClient one(to, std::chrono::seconds(15));
    } catch (const mailroom::cluster::Disconnected& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(why(address), HasSubstr("--tls-ca")) << "a certificate that nobody vouches for";
  EXPECT_THAT(why(mailroom::cluster::read_telemetry_address(face_->address())), HasSubstr("it may speak TLS: https://" + face_->address()));
  EXPECT_EQ(request("GET", "/healthz").status, 0) << "plain text";
  // A probe has nothing to show.
  const auto get = [&](const std::string& target) {
    (void)shell("printf 'GET " + target + " HTTP/1.1\\r\\nHost: " + face_->address() + "\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -connect " +
                face_->address() + " -CAfile " + file("cert.pem") + " > " + file("answer"));
    std::ifstream in(file("answer"));
    return parse(std::string((std::istreambuf_iterator<char>(in)), {})).status;
  };
  EXPECT_EQ(get("/healthz"), 200);
  EXPECT_EQ(get("/readyz"), 200);
  EXPECT_EQ(get("/metrics"), 401);
  EXPECT_EQ(get("/healthz/../metrics"), 401);
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
    if (n % 10 == 0) {
      EXPECT_EQ(request("GET", "/healthz").status, 200) << "after " << n;
    }
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
