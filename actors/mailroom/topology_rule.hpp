// What must hold between the options of several stages, said by who wrote their actors. `mailroom check` and every start of
// a node apply it; a topology that has none of the actors has nothing to fear from it.
//
//   void feeds_agree(mailroom::RuleCheck& check) {
//     check.same<Timelines, Outboxes>("length");                    in every stage of these actors
//     for (const auto& [stage, payments] : check.stages<Payments>())  or anything else
//       for (const auto& [other, orders] : check.stages<Reservations>())
//         if (payments.inquire_after < orders.reserved_for)
//           check.refuse(stage, "inquire_after", fmt::format("it is shorter than reserved_for of stage {}", other));
//   }
//   MAILROOM_TOPOLOGY_RULE(feeds_agree)
#pragma once

#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include <mailroom/json.hpp>
#include <mailroom/typed_actor.hpp>

namespace mailroom {

// A topology as a rule sees it: its actors' stages with their options, and where to say what is wrong.
class RuleCheck {
 public:
  struct Stage {
    std::string name;
    const ActorType* actor = nullptr;
    nlohmann::json options;  // as written
  };
  struct Fault {
    std::string stage, option, text;
  };
  explicit RuleCheck(std::vector<Stage> stages) : stages_(std::move(stages)) {}

  // The stages whose actor is A, with their options, in the order of the file. Options that can't be read are left out:
  // that is said elsewhere.
  template <class A>
  [[nodiscard]] std::vector<std::pair<std::string, typename A::Options>> stages() const {
    std::vector<std::pair<std::string, typename A::Options>> found;
    for (const auto& stage : stages_) {
      if (stage.actor->cpp_class != std::type_index(typeid(A))) continue;
      try {
        found.emplace_back(stage.name, from_json<typename A::Options>(stage.options));
      } catch (const BadValue&) {
      }
    }
    return found;
  }
  // Says that this option of the stage is wrong, and what to do.
  void refuse(const std::string& stage, const std::string& option, std::string text) {
    faults_.push_back({stage, option, std::move(text)});
  }
  // An option that has the same value in all stages of these actors, whether written or left at its default. Throws
  // std::logic_error if one of the actors has no such option.
  template <class... A>
  void same(const std::string& option) {
    std::vector<std::pair<std::string, nlohmann::json>> values;
    (add_values<A>(option, values), ...);
    require_same(option, values);
  }
  [[nodiscard]] const std::vector<Fault>& faults() const noexcept { return faults_; }

 private:
  using Values = std::vector<std::pair<std::string, nlohmann::json>>;
  template <class A>
  void add_values(const std::string& option, Values& values) const {
    for (const auto& [stage, options] : stages<A>()) values.emplace_back(stage, option_of(value_to_json(options), option));
  }
  static nlohmann::json option_of(const nlohmann::json& options, const std::string& option);
  void require_same(const std::string& option, const Values& values);

  std::vector<Stage> stages_;
  std::vector<Fault> faults_;
};

class TopologyRules {
 public:
  using Rule = void (*)(RuleCheck&);
  // Always true.
  static bool add(Rule rule);
  // Every rule of the process, applied.
  static void apply(RuleCheck& check);
};

}  // namespace mailroom

#define MAILROOM_TOPOLOGY_RULE(function) [[maybe_unused]] inline const bool mailroom_rule_##function = ::mailroom::TopologyRules::add(&function);
