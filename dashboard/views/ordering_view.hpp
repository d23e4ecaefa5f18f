// One lane per shard, x = arrival: a calm shard is a flat line, disorder leaves the line. Chips toggle the kinds.
#pragma once

#include <QAbstractButton>

#include "dashboard/views/ordering_canvas.hpp"

class QLabel;
class QToolButton;

namespace mailroom::dashboard {

// A kind's sign, name and count; checked: it is shown. Without a kind: what came in order.
class KindChip : public QAbstractButton {
  Q_OBJECT
 public:
  KindChip(std::optional<MarkKind> kind, QWidget* parent);
  void set_count(double count);  // NaN: unknown
  void set_short(bool without_name);
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  [[nodiscard]] QString name() const;
  [[nodiscard]] QString text() const;
  void say();
  std::optional<MarkKind> kind_;
  double count_ = 0;
  bool short_ = false;
};

class OrderingView : public View {
  Q_OBJECT
 public:
  explicit OrderingView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] OrderingCanvas& canvas() noexcept { return *canvas_; }
  [[nodiscard]] KindChip* chip(MarkKind kind) const { return chips_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] KindChip* in_order_chip() const { return in_order_; }

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void redress();
  void say();
  OrderingCanvas* canvas_;
  KindChip* in_order_;
  std::array<KindChip*, mark_kinds> chips_;
  QLabel *hint_, *lost_;
  QToolButton* sort_;
  QString announced_;
};

}  // namespace mailroom::dashboard
