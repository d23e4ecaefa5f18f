// docs/openapi.json, built in.
#pragma once

#include <string_view>

namespace mailroom::cluster {

extern const std::string_view openapi_text;

}  // namespace mailroom::cluster
