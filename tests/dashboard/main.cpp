// GoogleTest runs them all, under a QApplication that needs no screen.
#include <gmock/gmock.h>

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "dashboard/theme/theme.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  QTemporaryDir home;  // no test reads or writes the user's settings
  qputenv("XDG_CONFIG_HOME", home.path().toUtf8());
  qputenv("XDG_RUNTIME_DIR", home.path().toUtf8());
  qputenv("TZ", "UTC");
  if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication app(argc, argv);
  QApplication::setApplicationName(QStringLiteral("mailroom-dashboard-test"));
  QApplication::setOrganizationName(QStringLiteral("mailroom"));
  mailroom::dashboard::Theme::get().apply(true);
  return RUN_ALL_TESTS();
}
