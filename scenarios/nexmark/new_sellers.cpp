// q8: who registered and opened an auction within the same 10 seconds.
#include <mailroom/windows.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark {

struct Newcomer {
  bool registered = false, sells = false;
  std::string name;
};
MAILROOM_STRUCT(Newcomer, registered, sells, name)

class NewSellers : public mailroom::Windowed<NewSellers, Newcomer> {
 public:
  using Emits = mailroom::Events<NewSeller>;
  using Windowed::Windowed;
  void add(const Person& person, Newcomer& newcomer) noexcept {
    newcomer.registered = true;
    newcomer.name = person.name;
  }
  void add(const Auction&, Newcomer& newcomer) noexcept { newcomer.sells = true; }
  void result(const mailroom::Window& window, const Newcomer& newcomer, mailroom::Context& context) {
    if (newcomer.registered && newcomer.sells) context.emit(NewSeller{std::stoll(std::string(context.key())), newcomer.name, window.start});
  }
};
MAILROOM_ACTOR(NewSellers, Person, Auction, mailroom::WindowDue)

}  // namespace nexmark
