// One field list per type, and what follows from it: Boost archive, JSON, text, schema.
//
//   struct Deposit { std::string account; std::int64_t cents = 0; };
//   MAILROOM_EVENT(Deposit, account, cents)       an event: registered by its name
//   MAILROOM_STATE(Account, balance)              the state of a key
//   MAILROOM_STRUCT(Line, code, quantity)         a value inside others
//   MAILROOM_OPTIONS(LedgerOptions, limit)        an actor's or source's options: all fields may be left out
//   MAILROOM_ENUM(Colour, red, green)             an enum class, written by name
//
// at namespace scope, in the type's own namespace, after the type. Up to 60 fields. Fields may be bool, integers,
// double, std::string, enums, Money, Timestamp, std::chrono::microseconds, described structs, and
// std::optional, std::vector and std::map<std::string, ...> of these.
//
// A later version of a type says so BEFORE its field list, and which fields came with it; older bytes leave those
// at their default:
//   MAILROOM_VERSION(Deposit, 2)
//   MAILROOM_ADDED(Deposit, 2, currency)
#pragma once

#include <boost/preprocessor/control/iif.hpp>
#include <boost/preprocessor/facilities/is_empty.hpp>
#include <boost/preprocessor/punctuation/comma_if.hpp>
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/preprocessor/seq/for_each_i.hpp>
#include <boost/preprocessor/stringize.hpp>
#include <boost/preprocessor/tuple/eat.hpp>
#include <boost/preprocessor/variadic/size.hpp>
#include <boost/preprocessor/variadic/to_seq.hpp>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mailroom {

template <class T, class M>
struct Field {
  std::string_view name;
  M T::*member;
};
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member) {
  return {name, member};
}

enum class DescribedAs : std::uint8_t { event, state, value, options };

// A type with a field list.
template <class T>
concept Described = requires {
  mailroom_fields(static_cast<const T*>(nullptr));
};
template <class T>
concept DescribedEnum = std::is_enum_v<T> && requires {
  mailroom_enum(static_cast<const T*>(nullptr));
};

template <class T>
constexpr auto fields_of() {
  return mailroom_fields(static_cast<const T*>(nullptr));
}
template <class T>
constexpr std::string_view name_of() {
  return mailroom_name(static_cast<const T*>(nullptr));
}
template <class T>
constexpr DescribedAs described_as() {
  return mailroom_described_as(static_cast<const T*>(nullptr));
}
// The schema version of a described type; 1 unless MAILROOM_VERSION says more.
template <class T>
constexpr unsigned version_of() {
  if constexpr (requires { mailroom_version(static_cast<const T*>(nullptr)); })
    return mailroom_version(static_cast<const T*>(nullptr));
  else
    return 1;
}
// The version that brought a field.
template <class T>
constexpr unsigned since_of(std::string_view name) {
  if constexpr (requires { mailroom_since(static_cast<const T*>(nullptr), name); })
    return mailroom_since(static_cast<const T*>(nullptr), name);
  else
    return 1;
}

namespace detail {

struct AnyValue {
  template <class T>
  operator T() const;
};
template <class T, std::size_t... I>
constexpr bool takes_values(std::index_sequence<I...>) {
  return requires { T{((void)I, AnyValue{})...}; };
}
// False if T has a field beyond the `listed` ones: it would be lost between commits, without a word.
template <class T, std::size_t listed>
constexpr bool lists_every_field() {
  if constexpr (std::is_aggregate_v<T>)
    return !takes_values<T>(std::make_index_sequence<listed + 1>{});
  else
    return true;
}

}  // namespace detail

// Calls visit(field) for each of T's fields.
template <class T, class Visit>
constexpr void for_each_field(Visit&& visit) {
  std::apply([&](const auto&... f) { (visit(f), ...); }, fields_of<T>());
}

}  // namespace mailroom

#define MAILROOM_DETAIL_FIELD(r, Type, i, name) \
  BOOST_PP_COMMA_IF(i)::mailroom::field(BOOST_PP_STRINGIZE(name), &Type::name)

#define MAILROOM_DETAIL_DESCRIBE(Type, As, ...)                                                       \
  static_assert(::mailroom::detail::lists_every_field<Type, BOOST_PP_VARIADIC_SIZE(__VA_ARGS__)>(),   \
                #Type " has a field that its list does not name");                                    \
  [[maybe_unused]] constexpr auto mailroom_fields(const Type*) {                                      \
    return std::make_tuple(                                                                           \
        BOOST_PP_SEQ_FOR_EACH_I(MAILROOM_DETAIL_FIELD, Type, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))); \
  }                                                                                                   \
  [[maybe_unused]] constexpr std::string_view mailroom_name(const Type*) { return #Type; }            \
  [[maybe_unused]] constexpr ::mailroom::DescribedAs mailroom_described_as(const Type*) {             \
    return ::mailroom::DescribedAs::As;                                                               \
  }

#define MAILROOM_STATE(Type, ...) MAILROOM_DETAIL_DESCRIBE(Type, state, __VA_ARGS__)
#define MAILROOM_STRUCT(Type, ...) MAILROOM_DETAIL_DESCRIBE(Type, value, __VA_ARGS__)
#define MAILROOM_OPTIONS(Type, ...) MAILROOM_DETAIL_DESCRIBE(Type, options, __VA_ARGS__)
#define MAILROOM_EVENT(Type, ...)                    \
  MAILROOM_DETAIL_DESCRIBE(Type, event, __VA_ARGS__) \
  [[maybe_unused]] inline const ::mailroom::EventType& mailroom_event_type_##Type = ::mailroom::event_type_of<Type>();

// An event in a header that several files include. What an event is made of (archive, JSON, text, columns) takes a compiler a
// second: it is made in the one file that says `#define MAILROOM_MAKE_EVENTS` before it includes that header. Without such
// a file the linker misses a mailroom_event_type(const Type*).
#define MAILROOM_SHARED_EVENT(Type, ...)                                          \
  MAILROOM_DETAIL_DESCRIBE(Type, event, __VA_ARGS__)                              \
  [[maybe_unused]] const ::mailroom::EventType& mailroom_event_type(const Type*); \
  BOOST_PP_IIF(BOOST_PP_IS_EMPTY(MAILROOM_MAKE_EVENTS), MAILROOM_DETAIL_MAKE_EVENT, BOOST_PP_TUPLE_EAT(1))(Type)
#define MAILROOM_DETAIL_MAKE_EVENT(Type)                                                                                \
  const ::mailroom::EventType& mailroom_event_type(const Type*) { return ::mailroom::detail::make_event_type<Type>(); } \
  [[maybe_unused]] static const ::mailroom::EventType& mailroom_event_type_##Type = ::mailroom::event_type_of<Type>();

#define MAILROOM_DETAIL_ENUMERATOR(r, Type, i, name) \
  BOOST_PP_COMMA_IF(i) std::pair { Type::name, std::string_view(BOOST_PP_STRINGIZE(name)) }
#define MAILROOM_ENUM(Type, ...)                                                                           \
  [[maybe_unused]] constexpr auto mailroom_enum(const Type*) {                                             \
    return std::array{                                                                                     \
        BOOST_PP_SEQ_FOR_EACH_I(MAILROOM_DETAIL_ENUMERATOR, Type, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))}; \
  }                                                                                                        \
  [[maybe_unused]] constexpr std::string_view mailroom_name(const Type*) { return #Type; }

#define MAILROOM_VERSION(Type, n) \
  [[maybe_unused]] constexpr unsigned mailroom_version(const Type*) { return n; }

#define MAILROOM_DETAIL_ADDED(r, n, name) \
  if (field == BOOST_PP_STRINGIZE(name)) return n;
// One per type; several versions' additions go into one list: MAILROOM_ADDED_IN
#define MAILROOM_ADDED(Type, n, ...)                                                        \
  [[maybe_unused]] constexpr unsigned mailroom_since(const Type*, std::string_view field) { \
    BOOST_PP_SEQ_FOR_EACH(MAILROOM_DETAIL_ADDED, n, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))  \
    return 1;                                                                               \
  }
