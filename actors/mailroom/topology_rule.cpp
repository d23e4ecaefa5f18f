#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <stdexcept>

#include <mailroom/topology_rule.hpp>

namespace mailroom {
namespace {

std::mutex mutex;
std::vector<TopologyRules::Rule>& rules() {
  static std::vector<TopologyRules::Rule> all;
  return all;
}

}  // namespace

nlohmann::json RuleCheck::option_of(const nlohmann::json& options, const std::string& option) {
  const auto found = options.find(option);
  if (found == options.end()) throw std::logic_error(fmt::format("a topology rule asks for the option \"{}\", and an actor has none of that name", option));
  return *found;
}

void RuleCheck::require_same(const std::string& option, const Values& values) {
  for (std::size_t i = 1; i < values.size(); ++i)
    if (values[i].second != values[0].second)
      refuse(values[i].first, option,
             fmt::format("{} is {} here and {} in stage \"{}\"; they must be the same", option, values[i].second.dump(), values[0].second.dump(),
                         values[0].first));
}

bool TopologyRules::add(Rule rule) {
  const std::lock_guard lock(mutex);
  if (std::find(rules().begin(), rules().end(), rule) == rules().end()) rules().push_back(rule);
  return true;
}

void TopologyRules::apply(RuleCheck& check) {
  std::vector<Rule> all;
  {
    const std::lock_guard lock(mutex);
    all = rules();
  }
  for (const auto rule : all) rule(check);
}

}  // namespace mailroom
