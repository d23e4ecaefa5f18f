#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mailroom/errors.hpp>

#include "cluster/program/commands.hpp"
#include "cluster/program/stopped_node.hpp"
#include "runtime/journal/dead_letters.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;

namespace {

struct DeadLettersArguments {
  std::string directory, topology;
  std::optional<std::string> stage, key, kind;
  std::vector<std::string> ids;
  bool parked = false, json = false, all = false;

  [[nodiscard]] DeadLetterFilter filter() const {
    DeadLetterFilter filter;
    filter.parked = parked;
    filter.ids = ids;
    filter.stage = stage;
    filter.key = key;
    filter.kind = kind;
    return filter;
  }
  // Changing everything must be said, not be what is left when nothing is said.
  void require_choice(const char* what) const {
    if (all || !ids.empty() || stage || key || kind) return;
    throw BadValue(fmt::format(
        "{} what? Name ids (as `mailroom dead-letters list` shows them), or --stage, --key, --kind, or --all", what));
  }
};

}  // namespace

void add_dead_letters_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<DeadLettersArguments>();
  auto* command = app.add_subcommand("dead-letters", "What a stopped node has given up on, and what to do about it");
  command->require_subcommand(1);

  const auto add_common = [&](CLI::App* sub) {
    sub->add_option("directory", arguments->directory, "The node's data folder")->required();
    auto* ids = sub->add_option("ids", arguments->ids, "Only these, such as orders/2:17");
    auto* stage = sub->add_option("--stage", arguments->stage, "Only this stage");
    auto* key = sub->add_option("--key", arguments->key, "Only this key");
    auto* kind = sub->add_option("--kind", arguments->kind, "Only this kind: rejected, failed, dirty, ahead, overflow, expired");
    sub->add_flag("--parked", arguments->parked, "Parked events instead of dead letters");
    return std::vector<CLI::Option*>{ids, stage, key, kind};
  };

  const auto add_all = [&](CLI::App* sub, const std::vector<CLI::Option*>& others) {
    auto* all = sub->add_flag("--all", arguments->all, "All of them");
    for (auto* other : others) all->excludes(other);
  };

  auto* list = command->add_subcommand("list", "List them, with reason, attempts, origin and payload");
  add_common(list);
  list->add_flag("--json", arguments->json, "As JSON lines");
  list->add_option("--topology", arguments->topology, "The topology it was written with [noted in the journal]");
  list->callback([arguments, &exit_code] {
    const auto journal = Journal::open_read_only(journal_folder(arguments->directory));
    load_types_for(*journal, arguments->topology);
    print_dead_letters(list_dead_letters(*journal, arguments->filter()), arguments->json, std::cout);
    exit_code = exit_done;
  });

  auto* retry = command->add_subcommand("retry", "Try them again at the next start (parked keys: whole and in order)");
  add_all(retry, add_common(retry));
  retry->callback([arguments, &exit_code] {
    arguments->require_choice("retry");
    const auto outcome = retry_dead_letters(journal_folder(arguments->directory), arguments->filter());
    print_outcome(outcome, false, std::cout);
    exit_code = outcome.refused.empty() ? exit_done : exit_failed;
  });

  auto* discard = command->add_subcommand("discard", "Erase them for good; the books keep them as dead-lettered");
  add_all(discard, add_common(discard));
  discard->callback([arguments, &exit_code] {
    arguments->require_choice("discard");
    const auto outcome = discard_dead_letters(journal_folder(arguments->directory), arguments->filter());
    print_outcome(outcome, true, std::cout);
    exit_code = outcome.refused.empty() ? exit_done : exit_failed;
  });
}

}  // namespace mailroom::program
