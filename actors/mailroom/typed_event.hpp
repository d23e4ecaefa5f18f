// An EventType made from a field list.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mailroom/archive.hpp>
#include <mailroom/describe.hpp>
#include <mailroom/event_type.hpp>
#include <mailroom/json.hpp>
#include <mailroom/key_hash.hpp>
#include <mailroom/spare_buffers.hpp>

namespace mailroom {

template <class E>
class TypedColumn final : public EventColumn {
 public:
  // With room for as many events; 0: as it comes.
  explicit TypedColumn(std::size_t expected) : EventColumn(sizeof(E)) {
    if (expected > 1) events_ = SpareBuffers<E>::take(expected);
  }
  ~TypedColumn() override { SpareBuffers<E>::give(std::move(events_)); }
  TypedColumn(const TypedColumn&) = delete;
  TypedColumn& operator=(const TypedColumn&) = delete;
  void append_move(void* event) override {
    events_.push_back(std::move(*static_cast<E*>(event)));
    now_at(events_.data(), events_.size());
  }
  void append_copy(const void* event) override {
    events_.push_back(*static_cast<const E*>(event));
    now_at(events_.data(), events_.size());
  }
  void truncate(std::size_t size) override {
    events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(size), events_.end());
    now_at(events_.data(), events_.size());
  }
  void encode(std::string& out) const override { save_archive(events_.data(), events_.size(), out); }
  void decode(std::string_view bytes, std::size_t count, unsigned version) override {
    load_archive<E>(bytes, count, version, [this](E event) { events_.push_back(std::move(event)); });
    now_at(events_.data(), events_.size());
  }

 private:
  std::vector<E> events_;
};

namespace detail {

template <class T>
std::string_view scalar_key(const T& value, KeyScratch& scratch) {
  if constexpr (is_optional<T>)
    return value ? scalar_key(*value, scratch) : std::string_view{};
  else if constexpr (std::is_same_v<T, std::string>)
    return value;
  else if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_integral_v<T>) {
    const auto end = std::to_chars(scratch.text, scratch.text + sizeof scratch.text, value).ptr;
    return {scratch.text, static_cast<std::size_t>(end - scratch.text)};
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    const auto text = value.to_string();
    const auto length = std::min(text.size(), sizeof scratch.text);
    text.copy(scratch.text, length);
    return {scratch.text, length};
  } else if constexpr (DescribedEnum<T>) {
    for (const auto& [v, name] : mailroom_enum(static_cast<const T*>(nullptr)))
      if (v == value) return name;
    return {};
  }
}
template <class T>
constexpr bool can_be_key() {
  if constexpr (is_optional<T>)
    return can_be_key<typename T::value_type>();
  else
    return std::is_same_v<T, std::string> || std::is_integral_v<T> || std::is_same_v<T, Timestamp> || DescribedEnum<T>;
}

template <class E, std::size_t I>
std::string_view read_key_field(const void* event, KeyScratch& scratch) {
  constexpr auto f = std::get<I>(fields_of<E>());
  return scalar_key(static_cast<const E*>(event)->*(f.member), scratch);
}
template <class E, std::size_t I>
std::uint64_t hash_key_field(const void* event) {
  constexpr auto f = std::get<I>(fields_of<E>());
  const auto& value = static_cast<const E*>(event)->*(f.member);
  using M = std::remove_cvref_t<decltype(value)>;
  if constexpr (std::is_integral_v<M> && !std::is_same_v<M, bool>)
    if (std::in_range<std::int64_t>(value)) return hash_integer_key(static_cast<std::int64_t>(value));
  KeyScratch scratch;
  return hash_key(scalar_key(value, scratch));
}
template <class E, std::size_t I>
bool is_integer_field(const void* event) {
  constexpr auto f = std::get<I>(fields_of<E>());
  return std::in_range<std::int64_t>(static_cast<const E*>(event)->*(f.member));
}
template <class E, std::size_t I>
std::int64_t read_number_field(const void* event) {
  constexpr auto f = std::get<I>(fields_of<E>());
  const auto value = static_cast<const E*>(event)->*(f.member);
  return std::in_range<std::int64_t>(value) ? static_cast<std::int64_t>(value) : std::numeric_limits<std::int64_t>::max();
}
template <class E, std::size_t I>
std::int64_t read_time_field(const void* event) {
  constexpr auto f = std::get<I>(fields_of<E>());
  return (static_cast<const E*>(event)->*(f.member)).micros;
}

}  // namespace detail

template <class E>
class TypedEvent final : public EventType {
 public:
  static_assert(described_as<E>() == DescribedAs::event, "declare it with MAILROOM_EVENT");
  TypedEvent() : EventType(std::string(name_of<E>()), static_cast<std::uint16_t>(version_of<E>()), schema_of<E>()) {}

  [[nodiscard]] std::unique_ptr<EventColumn> make_column(std::size_t reserve) const override {
    return std::make_unique<TypedColumn<E>>(reserve);
  }
  [[nodiscard]] nlohmann::json to_json(const void* event) const override {
    return value_to_json(*static_cast<const E*>(event));
  }
  void append_from_json(const nlohmann::json& json, EventColumn& column) const override {
    auto event = from_json<E>(json);
    column.append_move(&event);
  }
  void append_from_text(const std::vector<std::optional<std::string_view>>& texts, EventColumn& column) const override {
    E event{};
    std::size_t i = 0;
    for_each_field<E>([&]<class M>(const Field<E, M>& f) {
      const auto text = i < texts.size() ? texts[i] : std::nullopt;
      ++i;
      auto& value = event.*(f.member);
      try {
        if constexpr (detail::is_optional<M>) {
          using Inner = typename M::value_type;
          if constexpr (is_text_scalar<Inner>) {
            if (text) value = value_from_text<Inner>(*text);
            return;
          }
        } else if constexpr (is_text_scalar<M>) {
          if (!text) throw BadValue(fmt::format("missing, expected {}", type_in_words<M>()));
          value = value_from_text<M>(*text);
          return;
        }
        if (text) throw BadValue(fmt::format("expected no text: {} can't be written in one", type_in_words<M>()));
      } catch (const BadValue& error) {
        throw BadValue(fmt::format("field \"{}\": {}", f.name, error.what()));
      }
    });
    column.append_move(&event);
  }
  void to_text(const void* event, std::vector<std::string>& texts) const override {
    const auto& e = *static_cast<const E*>(event);
    for_each_field<E>([&]<class M>(const Field<E, M>& f) {
      const auto& value = e.*(f.member);
      if constexpr (detail::is_optional<M>) {
        if constexpr (is_text_scalar<typename M::value_type>)
          texts.push_back(value ? value_to_text(*value) : std::string{});
        else
          texts.push_back(value_to_json(value).dump());
      } else if constexpr (is_text_scalar<M>) {
        texts.push_back(value_to_text(value));
      } else {
        texts.push_back(value_to_json(value).dump());
      }
    });
  }
  [[nodiscard]] KeyReader key_reader(std::string_view name) const noexcept override { return key_at<0>(name); }
  [[nodiscard]] ReadTime time_reader(std::string_view name) const noexcept override { return time_at<0>(name); }
  [[nodiscard]] ReadNumber number_reader(std::string_view name) const noexcept override { return number_at<0>(name); }

 private:
  static constexpr auto fields = fields_of<E>();
  template <std::size_t I>
  static KeyReader key_at(std::string_view name) noexcept {
    if constexpr (I < std::tuple_size_v<decltype(fields)>) {
      constexpr auto f = std::get<I>(fields);
      if (f.name != name) return key_at<I + 1>(name);
      using M = std::remove_cvref_t<decltype(std::declval<E>().*(f.member))>;
      if constexpr (std::is_integral_v<M> && !std::is_same_v<M, bool>)
        return {&detail::read_key_field<E, I>, &detail::hash_key_field<E, I>, &detail::is_integer_field<E, I>};
      else if constexpr (detail::can_be_key<M>())
        return {&detail::read_key_field<E, I>, &detail::hash_key_field<E, I>, nullptr};
    }
    return {};
  }
  template <std::size_t I>
  static ReadNumber number_at(std::string_view name) noexcept {
    if constexpr (I < std::tuple_size_v<decltype(fields)>) {
      constexpr auto f = std::get<I>(fields);
      if (f.name != name) return number_at<I + 1>(name);
      using M = std::remove_cvref_t<decltype(std::declval<E>().*(f.member))>;
      if constexpr (std::is_integral_v<M> && !std::is_same_v<M, bool>) return &detail::read_number_field<E, I>;
    }
    return nullptr;
  }
  template <std::size_t I>
  static ReadTime time_at(std::string_view name) noexcept {
    if constexpr (I < std::tuple_size_v<decltype(fields)>) {
      constexpr auto f = std::get<I>(fields);
      if (f.name != name) return time_at<I + 1>(name);
      using M = std::remove_cvref_t<decltype(std::declval<E>().*(f.member))>;
      if constexpr (std::is_same_v<M, Timestamp>) return &detail::read_time_field<E, I>;
    }
    return nullptr;
  }
};

namespace detail {
template <class E>
const EventType& make_event_type() {
  static const EventType& type = EventTypes::add(std::make_unique<TypedEvent<E>>());
  return type;
}
}  // namespace detail

// The one EventType of E. Registers it at first use; MAILROOM_EVENT uses it when its library is loaded.
template <class E>
const EventType& event_type_of() {
  if constexpr (requires { mailroom_event_type(static_cast<const E*>(nullptr)); }) {
    static const EventType& type = mailroom_event_type(static_cast<const E*>(nullptr));
    return type;
  } else {
    return detail::make_event_type<E>();
  }
}

}  // namespace mailroom
