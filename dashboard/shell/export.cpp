#include "dashboard/shell/export.hpp"

#include <QPixmap>
#include <QSaveFile>

namespace mailroom::dashboard {

QByteArray csv(const std::vector<QStringList>& rows) {
  QByteArray made;
  for (const auto& row : rows) {
    for (qsizetype at = 0; at < row.size(); ++at) {
      if (at > 0) made += ',';
      auto field = row[at].toUtf8();
      if (field.contains(',') || field.contains('"') || field.contains('\n') || field.contains('\r')) {
        field.replace("\"", "\"\"");
        field = '"' + field + '"';
      }
      made += field;
    }
    made += "\r\n";
  }
  return made;
}

QString export_view(View& view, const QString& path) {
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly)) return QStringLiteral("%1 can't be written: %2").arg(path, file.errorString());
  if (path.endsWith(QLatin1String(".csv"), Qt::CaseInsensitive)) {
    const auto rows = view.rows();
    if (rows.empty()) return QStringLiteral("%1 has no rows: export it as .png").arg(view.title());
    file.write(csv(rows));
  } else if (path.endsWith(QLatin1String(".png"), Qt::CaseInsensitive)) {
    if (!view.grab().save(&file, "PNG")) return QStringLiteral("%1 can't be written as PNG").arg(path);
  } else {
    return QStringLiteral("%1: .png or .csv is expected").arg(path);
  }
  return file.commit() ? QString() : QStringLiteral("%1 can't be written: %2").arg(path, file.errorString());
}

QString export_path(const QString& typed, bool rows) {
  const auto wanted = rows ? QStringLiteral(".csv") : QStringLiteral(".png"), other = rows ? QStringLiteral(".png") : QStringLiteral(".csv");
  if (typed.endsWith(wanted, Qt::CaseInsensitive)) return typed;
  return (typed.endsWith(other, Qt::CaseInsensitive) ? typed.chopped(other.size()) : typed) + wanted;
}

}  // namespace mailroom::dashboard
