// A view as a picture, or its rows as a table.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

// By the file's ending: .png the view as it is drawn now, .csv its rows (RFC 4180, UTF-8). Empty, or what went wrong.
[[nodiscard]] QString export_view(View& view, const QString& path);
[[nodiscard]] QByteArray csv(const std::vector<QStringList>& rows);

// The file that a person means who typed this name and chose rows or a picture: what was chosen wins over the suffix that was proposed.
[[nodiscard]] QString export_path(const QString& typed, bool rows);

}  // namespace mailroom::dashboard
