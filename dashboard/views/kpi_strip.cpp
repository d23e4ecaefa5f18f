#include "dashboard/views/kpi_strip.hpp"

#include <QHBoxLayout>
#include <cmath>

#include "dashboard/model/coarse_mean.hpp"
#include "dashboard/theme/paint.hpp"

namespace mailroom::dashboard {

namespace {

constexpr Micros minute_us = 60 * second_us;

// "48.2k" -> "48.2", "k ev/s".
std::pair<QString, QString> split(const QString& count, const QString& unit) {
  if (!count.isEmpty() && count.back().isLetter()) return {count.chopped(1), count.back() + u' ' + unit};
  return {count, unit};
}

}  // namespace

KpiTile::KpiTile(const QString& title, QWidget* parent) : QAbstractButton(parent) {
  setText(title);
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setCursor(Qt::PointingHandCursor);
}

void KpiTile::set(Content content) {
  if (content == content_) return;
  content_ = std::move(content);
  setAccessibleName(QStringLiteral("%1: %2 %3, %4").arg(text(), content_.value, content_.unit, content_.note));
  setToolTip(accessibleName());
  update();
}

void KpiTile::paintEvent(QPaintEvent*) {
  const auto& theme = Theme::get();
  const auto& c = theme.colors();
  QPainter painter(this);
  painter.fillRect(rect(), underMouse() ? c.raised : c.panel);
  const auto area = QRectF(rect()).adjusted(12, 7, -12, -7);
  painter.setPen(c.border);
  painter.drawLine(rect().topRight() + QPoint(0, 10), rect().bottomRight() - QPoint(0, 10));
  painter.setFont(theme.font(-2));
  painter.setPen(c.secondary);
  draw_text(painter, QRectF(area.left(), area.top(), area.width() * 0.6, 16), Qt::AlignLeft | Qt::AlignVCenter, text());
  const auto value_font = theme.font(6, true);
  painter.setFont(value_font);
  painter.setPen(content_.old ? c.faint : c.text);
  const auto width = QFontMetricsF(value_font).horizontalAdvance(content_.value);
  painter.drawText(QRectF(area.left(), area.bottom() - 28, width + 2, 28), Qt::AlignLeft | Qt::AlignVCenter, content_.value);
  painter.setFont(theme.font(-2));
  painter.setPen(c.secondary);
  const auto unit_width = QFontMetricsF(painter.font()).horizontalAdvance(content_.unit);
  painter.drawText(QRectF(area.left() + width + 4, area.bottom() - 27, unit_width + 2, 28), Qt::AlignLeft | Qt::AlignVCenter, content_.unit);
  const auto color = content_.old ? c.faint : content_.color;
  const double note_left = area.left() + width + unit_width + 14;
  painter.setPen(color);
  if (area.right() - note_left > 24) draw_text(painter, QRectF(note_left, area.bottom() - 17, area.right() - note_left, 16), Qt::AlignRight | Qt::AlignVCenter, content_.note);
  const double spark = std::min(70.0, area.width() * 0.45);
  draw_sparkline(painter, QRectF(area.right() - spark, area.top() + 1, spark, 18), content_.minute, color, false);
  if (hasFocus()) {
    painter.setPen(QPen(c.accent, 1));
    painter.drawRoundedRect(QRectF(rect()).adjusted(3, 2, -4, -3), 4, 4);
  }
}

KpiStrip::KpiStrip(Context& context, QWidget* parent) : View(context, "kpi", QStringLiteral("Overview"), parent) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  for (const char* title : {"Throughput", "Queued", "Wait p99", "Out of order", "Dead letters", "Restarts", "Nodes"}) {
    auto* tile = new KpiTile(QLatin1String(title), this);
    row->addWidget(tile);
    tiles_.push_back(tile);
    connect(tile, &KpiTile::clicked, this, [this, tile] {
      const auto& content = tile->content();
      if (content.shard >= 0) context_.selection.select_shard(content.stage, content.shard);
      else if (content.stage >= 0) context_.selection.select_stage(content.stage);
      if (tile == tiles_[dead_letters]) Q_EMIT dead_letters_wanted();
      if (tile == tiles_[nodes]) Q_EMIT cluster_wanted();
    });
  }
  connect(&context, &Context::tables_due, this, [this] { refresh(); });
  connect(&context, &Context::reset, this, [this] { refresh(); });
  connect(&context, &Context::link_changed, this, [this] { refresh(); });
  connect(&Theme::get(), &Theme::changed, this, [this] { refresh(); update(); });
  refresh();
}

void KpiStrip::refresh() {
  const auto& c = Theme::get().colors();
  auto& node = context_.node();
  const bool old = node.stale();
  std::vector<KpiTile::Content> all(tile_count);
  for (auto& each : all) { each.color = c.normal; each.old = old; }

  int connected = 0;
  for (const auto& watched : context_.watched())
    if (watched.node->known() && !watched.node->stale()) ++connected;
  all[nodes].value = context_.watched().empty() ? QStringLiteral("–") : QStringLiteral("%1 / %2").arg(connected).arg(context_.watched().size());
  all[nodes].note = node.known() ? QStringLiteral("%1 shards").arg(show_exact(node.shard_count())) : QString();
  all[nodes].color = connected < static_cast<int>(context_.watched().size()) ? c.vermilion : c.secondary;

  if (node.known() && context_.range.end_us() > 0) {
    const auto end = context_.range.end_us(), begin = end - minute_us;
    const auto& track = node.total_track();
    // Each second of the minute: all of its samples.
    std::array<std::vector<float>, 6> minute;
    std::array<float, 60> letters_in{}, restarts_in{};
    for (int at = 0; at < 60; ++at) {
      TotalMean second;
      for (int quarter = 1; quarter <= 4; ++quarter) second.add(track.at(begin + at * second_us + quarter * Track<TotalSample>::fine_us));
      const auto sample = second.sample();
      minute[0].push_back(sample.ingest);
      minute[1].push_back(sample.queued);
      minute[2].push_back(sample.wait_p99_us);
      minute[3].push_back(sample.disorder);
      letters_in[static_cast<std::size_t>(at)] = std::isnan(sample.so_far.dead_letters) ? not_known : 0;
      restarts_in[static_cast<std::size_t>(at)] = std::isnan(sample.so_far.restarts) ? not_known : 0;
    }
    // What happened is listed, event by event.
    QHash<int, std::int64_t> disorder_of, restarts_of, letters_of;
    node.events().each(begin, end, [&](const Event& event) {
      const auto at = static_cast<std::size_t>(std::clamp<Micros>((event.at_us - begin) / second_us, 0, 59));
      const auto add = [at](std::array<float, 60>& to) { to[at] = (std::isnan(to[at]) ? 0 : to[at]) + 1; };
      if (event.kind == EventKind::dead_letter) add(letters_in);
      if (event.kind == EventKind::restart) add(restarts_in);
      if (event.shard < 0) return true;
      switch (event.kind) {
        case EventKind::late: case EventKind::duplicate: case EventKind::skip: ++disorder_of[event.shard]; break;
        case EventKind::gap_final: disorder_of[event.shard] += std::clamp<std::int64_t>(event.left, 1, 1'000'000); break;
        case EventKind::restart: ++restarts_of[event.shard]; break;
        case EventKind::dead_letter: ++letters_of[event.shard]; break;
        default: break;
      }
      return true;
    });
    minute[4].assign(letters_in.begin(), letters_in.end());
    minute[5].assign(restarts_in.begin(), restarts_in.end());
    for (int at = 0; at < 6; ++at) all[static_cast<std::size_t>(at)].minute = minute[static_cast<std::size_t>(at)];
    // The mean of the last second, as the newest sample may be of one frame.
    double rate = 0;
    int rates = 0;
    for (int back = 1; back <= 4; ++back) {
      const auto sample = track.at(end - back * Track<TotalSample>::fine_us);
      if (!std::isnan(sample.ingest)) { rate += static_cast<double>(sample.ingest); ++rates; }
    }
    const auto recent = [&](auto member) {
      for (int back = 0; back <= 12; ++back)
        if (const float value = track.at(end - back * Track<TotalSample>::fine_us).*member; !std::isnan(value)) return value;
      return not_known;
    };
    std::tie(all[throughput].value, all[throughput].unit) = split(rates ? show_rate(rate / rates) : QStringLiteral("–"), QStringLiteral("ev/s"));
    // What the tables and the topology show, so that the sum is theirs.
    float queued_now = not_known;
    for (int shard = 0; shard < node.shard_count(); ++shard) {
      const auto depth = context_.shown().shards[static_cast<std::size_t>(shard)].depth;
      if (depth >= 0 && node.stage(node.stage_of(shard)).kind != StageKind::source) queued_now = (std::isnan(queued_now) ? 0 : queued_now) + static_cast<float>(depth);
    }
    const float wait_now = recent(&TotalSample::wait_p99_us);
    std::tie(all[queued].value, all[queued].unit) = split(show_count(static_cast<double>(queued_now)), QStringLiteral("events"));
    const auto wait_text = show_span(static_cast<double>(wait_now)).split(u' ');
    all[wait].value = wait_text.value(0);
    all[wait].unit = wait_text.value(1);

    // Steady or not: the last ten seconds against the minute.
    const auto mean = [](const std::vector<float>& of, std::size_t from, std::size_t to) {
      double sum = 0;
      int count = 0;
      for (auto at = from; at < std::min(to, of.size()); ++at)
        if (!std::isnan(of[at])) { sum += static_cast<double>(of[at]); ++count; }
      return count ? sum / count : std::nan("");
    };
    const double before = mean(minute[0], 0, 50), after = mean(minute[0], 50, 60);
    if (before > 0) {
      const double change = (after - before) / before;
      all[throughput].note = std::abs(change) < 0.1 ? QStringLiteral("steady") : QStringLiteral("%1%2 %").arg(change > 0 ? QStringLiteral("+") : QStringLiteral("−"), QString::number(std::abs(change) * 100, 'f', 0));
      if (change < -0.1) { all[throughput].color = c.amber; }
    }
    if (all[throughput].note == QLatin1String("steady")) all[throughput].color = c.normal;

    // Culprits.
    const auto& shown = context_.shown();
    int deepest = -1, slowest = -1;
    float most_full = 0;
    for (int shard = 0; shard < node.shard_count(); ++shard) {
      const auto& sample = shown.shards[static_cast<std::size_t>(shard)];
      if (node.stage(node.stage_of(shard)).kind == StageKind::source) continue;
      if (deepest < 0 || sample.depth > shown.shards[static_cast<std::size_t>(deepest)].depth) deepest = shard;
      if (!std::isnan(sample.wait_p99_us) && (slowest < 0 || sample.wait_p99_us > shown.shards[static_cast<std::size_t>(slowest)].wait_p99_us)) slowest = shard;
      const float fill = node.fill(shard, sample);
      if (!std::isnan(fill)) most_full = std::max(most_full, fill);
    }
    const auto blame = [&](KpiTile::Content& tile, int shard) {
      if (shard < 0) return;
      tile.shard = shard;
      tile.stage = node.stage_of(shard);
    };
    if (deepest >= 0 && shown.shards[static_cast<std::size_t>(deepest)].depth <= 0) deepest = -1;  // nobody's fault
    blame(all[queued], deepest);
    if (deepest < 0 && queued_now <= 0) all[queued].note = QStringLiteral("all empty");
    const double queued_before = mean(minute[1], 0, 5);
    if (deepest >= 0) {
      const double change = static_cast<double>(queued_now) - queued_before;
      if (std::abs(change) > 1000) all[queued].note = QStringLiteral("%1%2 in 60 s").arg(change > 0 ? QStringLiteral("+") : QStringLiteral("−"), show_count(std::abs(change)));
      else all[queued].note = node.shard_name(deepest);
    }
    if (most_full >= 0.6f) all[queued].color = all[wait].color = most_full > 0.85f ? c.vermilion : c.amber;
    blame(all[wait], slowest);
    if (slowest >= 0) all[wait].note = node.shard_name(slowest);

    const auto within = node.counts_within(begin, end);
    const double percent = within.ingested > 0 ? within.disordered * 100 / within.ingested : std::nan("");
    if (!std::isnan(percent)) {
      all[disorder].value = percent <= 0 ? QStringLiteral("0") : percent < 0.01 ? QStringLiteral("< 0.01") : QString::number(percent, 'f', percent < 10 ? 2 : 0);
      all[disorder].unit = QStringLiteral("%");
    }
    const auto worst = [](const QHash<int, std::int64_t>& of) {
      int shard = -1;
      for (auto at = of.begin(); at != of.end(); ++at)
        if (shard < 0 || at.value() > of[shard] || (at.value() == of[shard] && at.key() < shard)) shard = at.key();
      return shard;
    };
    if (const int shard = worst(disorder_of); shard >= 0) {
      blame(all[disorder], shard);
      all[disorder].note = node.shard_name(shard);
      all[disorder].color = c.amber;
    } else if (percent > 0) all[disorder].color = c.amber;  // it came before the dashboard: nobody is known
    else if (!std::isnan(percent)) all[disorder].note = QStringLiteral("calm");
    const auto so_far = node.counts_at(end);
    const auto counted = [&](Tile tile, double total, EventKind kind, int shard, const QColor& color) {
      all[tile].value = show_count(total);
      const auto new_ones = node.events().count(kind, begin, end);
      if (new_ones > 0) {
        all[tile].color = color;
        all[tile].note = QStringLiteral("%1 in 60 s").arg(show_exact(new_ones));
      } else if (!std::isnan(total)) all[tile].note = QStringLiteral("none in 60 s");
      blame(all[tile], shard);
    };
    counted(dead_letters, so_far.dead_letters, EventKind::dead_letter, worst(letters_of), c.amber);
    const int restarted = worst(restarts_of);
    counted(restarts, so_far.restarts, EventKind::restart, restarted, c.vermilion);
    if (restarted >= 0) all[restarts].note = QStringLiteral("%1 ×%2").arg(node.shard_name(restarted), show_exact(restarts_of[restarted]));
  }
  for (std::size_t at = 0; at < tiles_.size(); ++at) tiles_[at]->set(std::move(all[at]));
}

std::vector<QStringList> KpiStrip::rows() const {
  std::vector<QStringList> made{{QStringLiteral("figure"), QStringLiteral("value"), QStringLiteral("unit"), QStringLiteral("note")}};
  for (const auto* tile : tiles_) made.push_back({tile->text(), tile->content().value, tile->content().unit, tile->content().note});
  return made;
}

}  // namespace mailroom::dashboard
