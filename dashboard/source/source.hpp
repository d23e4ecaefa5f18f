// Where telemetry comes from: a live node, a recorded session, a generator. One interface; the views can't tell them apart.
#pragma once

#include <QObject>
#include <QUrl>
#include <memory>

#include "dashboard/source/batch.hpp"

class QThread;

namespace mailroom::dashboard {

class Feed;

// PEM files, for wss://.
struct TlsFiles {
  QString ca;           // whose certificates are trusted; empty: the system's
  QString certificate;  // what this side shows to a node that asks for one; empty: none
  QString key;          // its private key, without a passphrase; empty: in the same file
  bool operator==(const TlsFiles&) const = default;
};

struct NodeAddress {
  QUrl url;        // ws://HOST:PORT/telemetry or wss://
  QString token;   // empty: none. Kept in memory only
  TlsFiles tls;
};

struct GeneratorOptions {
  quint64 seed = 1;
  int stages = 0;            // 0: the orders pipeline of the mock-ups (12 stages, 136 shards); else a synthetic one of that size
  int shards = 0;            // in all; only with `stages`
  double rate_hz = 20;
  bool trouble = true;       // failures, restarts, backpressure
  bool disorder = true;      // late, duplicate, missing, retried events
  Micros history_us = 0;     // delivered at once, before the live part
  Micros begin_us = unknown_value; // when the made-up node started; unknown_value: history_us before now
  bool live = true;          // false: it ends after the history (for tests and pictures)
};

// Lives in the GUI thread; its feed works in a thread of its own, which the destructor stops and joins.
class Source : public QObject {
  Q_OBJECT
 public:
  static std::unique_ptr<Source> live(const NodeAddress& address);
  static std::unique_ptr<Source> session(const QString& path);
  static std::unique_ptr<Source> generator(const GeneratorOptions& options);
  ~Source() override;

  void start();
  // Records what comes from now on into a session file. Success and failure come with the next batch (recording, recording_error).
  void record(const QString& path);
  void stop_recording();
  void reconnect_now();  // ends a back-off, or begins a connection anew

  enum class Kind { live, session, generator };
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const QString& name() const noexcept { return name_; }  // the address or the file, for a person
  [[nodiscard]] const NodeAddress& address() const noexcept { return address_; }

 Q_SIGNALS:
  void batch(std::shared_ptr<const mailroom::dashboard::Batch> batch);

 private:
  Source(Kind kind, QString name);
  void adopt(Feed* feed);
  Kind kind_;
  QString name_;
  NodeAddress address_;
  std::shared_ptr<Exchange> exchange_;
  std::unique_ptr<QThread> thread_;
  Feed* feed_ = nullptr;  // lives in thread_, deleted there
};

}  // namespace mailroom::dashboard
