// A view as a picture, or its rows as a table.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

// By the file's ending: .png the view as it is drawn now, .csv its rows (RFC 4180, UTF-8). Empty, or what went wrong.
[[nodiscard]] QString export_view(View& view, const QString& path);
[[nodiscard]] QByteArray csv(const std::vector<QStringList>& rows);

}  // namespace mailroom::dashboard
