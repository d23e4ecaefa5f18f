// Disorder planted at known places, for whoever tests what shows it: readings.jsonl says which, the README where.
#include <mailroom/mailroom.hpp>

namespace disorder {

struct Reading {
  std::string sensor;
  std::int64_t number = 0;  // counted by the sensor
  std::string fault;        // "": none; "fails once", "refused"
};
MAILROOM_EVENT(Reading, sensor, number, fault)

struct Sensor {
  std::int64_t readings = 0;
};
MAILROOM_STATE(Sensor, readings)

class Station : public mailroom::Actor<Sensor> {
 public:
  void on(const Reading& reading, Sensor& sensor, mailroom::Context& context) {
    if (reading.fault == "refused") throw mailroom::Rejected("no reading of ours");
    if (reading.fault == "fails once" && context.attempt() == 1) throw std::runtime_error("the line is noisy");
    ++sensor.readings;
  }
};
MAILROOM_ACTOR(Station, Reading)

}  // namespace disorder
