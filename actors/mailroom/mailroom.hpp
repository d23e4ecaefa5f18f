// All that a scenario author needs.
#pragma once

#include <mailroom/actor.hpp>
#include <mailroom/answer.hpp>
#include <mailroom/context.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/money.hpp>
#include <mailroom/sink.hpp>
#include <mailroom/source.hpp>
#include <mailroom/source_registration.hpp>
#include <mailroom/timestamp.hpp>
#include <mailroom/typed_actor.hpp>
