// A simulated run at rest, as a scenario's own invariants see it.
#pragma once

#include <mailroom/invariant.hpp>

#include "runtime/simulation/history_check.hpp"

namespace mailroom::runtime {

class SimulatedScenario final : public RestingScenario {
 public:
  // All outlive it.
  SimulatedScenario(const Topology& topology, const RestingRun& run, const World& world, const std::vector<StageEvent>& shed,
                    const std::vector<nlohmann::json>& dead_letters)
      : topology_(topology), run_(run), world_(world), shed_(shed), dead_letters_(dead_letters) {}

  [[nodiscard]] std::vector<nlohmann::json> input_json(std::string_view source) const override;
  [[nodiscard]] std::vector<nlohmann::json> output_json(std::string_view sink) const override;
  [[nodiscard]] std::vector<nlohmann::json> dead_letters() const override { return dead_letters_; }
  [[nodiscard]] std::map<std::string, nlohmann::json> states_json(std::string_view stage) const override;
  [[nodiscard]] std::vector<EventAtStage> shed() const override;
  [[nodiscard]] std::vector<EventAtStage> given_up() const override;

 private:
  [[nodiscard]] std::size_t stage(std::string_view name, StageKind kind, std::string_view wanted) const;
  [[nodiscard]] EventAtStage told(const StageEvent& one) const;

  const Topology& topology_;
  const RestingRun& run_;
  const World& world_;
  const std::vector<StageEvent>& shed_;
  const std::vector<nlohmann::json>& dead_letters_;
};

}  // namespace mailroom::runtime
