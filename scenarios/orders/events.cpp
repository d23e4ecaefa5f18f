// Makes what the scenario's events are made of, once for all its files.
#define MAILROOM_MAKE_EVENTS
#include "scenarios/orders/events.hpp"
