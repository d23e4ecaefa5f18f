// A line per stage, events a second (a source: emitted; else: handled), labelled at its end; markers of restarts; drag a range,
// double-click resets. Each pixel column spans the least and the most of its samples: no peak and no dip is averaged away.
#pragma once

#include "dashboard/views/time_canvas.hpp"

namespace mailroom::dashboard {

class ThroughputCanvas : public TimeCanvas {
  Q_OBJECT
 public:
  // More stages than this are cut to those with the highest rate, and the selected one.
  static constexpr int most_lines = 14;
  ThroughputCanvas(Context& context, View& view) : TimeCanvas(context, view) {}
  struct Line {
    int stage;
    QColor color;
    float last;        // at the end of the window; NaN: unknown
    float weight = 0;  // what it is chosen by, if there are too many
    QPolygonF points;  // a NaN y parts the line
    QRectF label;      // empty: no room
    double label_from;
  };
  [[nodiscard]] const std::vector<Line>& lines() const noexcept { return lines_; }
  [[nodiscard]] int passing() const noexcept { return passing_; }
  // Events a second of a stage at a time; NaN: unknown.
  [[nodiscard]] float rate_at(int stage, Micros at_us) const;
  [[nodiscard]] QRectF plot() const override;

 protected:
  void paint(QPainter& painter) override;
  void paint_over(QPainter& painter) override;
  [[nodiscard]] std::vector<std::int64_t> depends() const override;
  void clicked(const QPointF& at) override;
  void forget() override { lines_.clear(); passing_ = 0; }

 private:
  void choose();
  void trace_lines(const TimeAxis& time, const QRectF& in);
  void place_labels(const QRectF& in);
  [[nodiscard]] QPen pen(const Line& line) const;
  std::vector<Line> lines_;
  int passing_ = 0;
  double top_ = 1, step_ = 1;
};

class ThroughputView : public View {
  Q_OBJECT
 public:
  explicit ThroughputView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] ThroughputCanvas& canvas() noexcept { return *canvas_; }

 private:
  ThroughputCanvas* canvas_;
  QString announced_;
};

}  // namespace mailroom::dashboard
