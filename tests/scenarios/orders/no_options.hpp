#pragma once

#include <nlohmann/json.hpp>

namespace orders_test {

// An actor's defaults. ({} would be JSON's null.)
inline const nlohmann::json no_options = nlohmann::json::object();

}  // namespace orders_test
