// Seven numbers for the whole node, each with the last minute and the name of the culprit. A click selects the culprit everywhere.
#pragma once

#include <QAbstractButton>

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

// One of them.
class KpiTile : public QAbstractButton {
  Q_OBJECT
 public:
  struct Content {
    QString value = QStringLiteral("–"), unit, note;
    std::vector<float> minute;
    QColor color;                     // of sparkline and note
    int stage = -1, shard = -1;       // the culprit
    bool old = false;                 // stale: greyed
    bool operator==(const Content&) const = default;
  };
  KpiTile(const QString& title, QWidget* parent);
  void set(Content content);
  [[nodiscard]] const Content& content() const noexcept { return content_; }
  [[nodiscard]] QSize sizeHint() const override { return {150, 64}; }
  [[nodiscard]] QSize minimumSizeHint() const override { return {120, 64}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  Content content_;
};

class KpiStrip : public View {
  Q_OBJECT
 public:
  explicit KpiStrip(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] std::vector<QStringList> rows() const override;
  enum Tile { throughput, queued, wait, disorder, dead_letters, restarts, nodes, tile_count };
  [[nodiscard]] KpiTile* tile(Tile tile) const { return tiles_[static_cast<std::size_t>(tile)]; }

 Q_SIGNALS:
  void dead_letters_wanted();
  void cluster_wanted();

 private:
  void refresh();
  std::vector<KpiTile*> tiles_;
};

}  // namespace mailroom::dashboard
