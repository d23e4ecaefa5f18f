// What an operator may do to a node, over its HTTP API (docs/openapi.json). The dashboard only asks; the node decides by role.
#pragma once

#include <QNetworkAccessManager>
#include <QObject>

#include "dashboard/source/source.hpp"

namespace mailroom::dashboard {

class NodeApi : public QObject {
  Q_OBJECT
 public:
  explicit NodeApi(QObject* parent = nullptr) : QObject(parent) {}
  enum class Act { retry, discard };
  // GUI thread; `done` is called in it, once: empty, or what the node answered instead, for a person.
  void dead_letter(const NodeAddress& node, const QString& letter, Act act, std::function<void(const QString& why_not)> done);

 private:
  QNetworkAccessManager network_;
};

}  // namespace mailroom::dashboard
