// Described values in Boost.Serialization's binary archive, over memory. Boost's class versions carry
// MAILROOM_VERSION; object tracking is off.
#pragma once

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/version.hpp>
#include <chrono>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>

#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/money.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

// Boost's own archives only: CAF's inspection API must not take these for its own.
template <class A>
concept BoostArchive = requires {
  typename A::is_saving;
  typename A::is_loading;
};

namespace detail {

// Appends to a string.
class AppendBuffer final : public std::streambuf {
 public:
  explicit AppendBuffer(std::string& out) : out_(out) {}

 private:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    out_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }
  int_type overflow(int_type c) override {
    if (c != traits_type::eof()) out_.push_back(static_cast<char>(c));
    return c;
  }
  std::string& out_;
};

class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    auto* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] bool at_end() const { return gptr() == egptr(); }
};

}  // namespace detail

inline constexpr unsigned archive_flags =
    boost::archive::no_header | boost::archive::no_codecvt | boost::archive::no_tracking;

template <class T>
void save_archive(const T* values, std::size_t count, std::string& out) {
  detail::AppendBuffer buffer(out);
  boost::archive::binary_oarchive archive(buffer, archive_flags);
  for (std::size_t i = 0; i < count; ++i) archive << values[i];
}

// Throws CorruptData when the bytes are not exactly `count` values.
template <class T, class Take>
void load_archive(std::string_view bytes, std::size_t count, Take&& take) {
  try {
    detail::ViewBuffer buffer(bytes);
    boost::archive::binary_iarchive archive(buffer, archive_flags);
    for (std::size_t i = 0; i < count; ++i) {
      T value{};
      archive >> value;
      take(std::move(value));
    }
    if (!buffer.at_end()) throw CorruptData("bytes are left over behind the last value");
  } catch (const CorruptData&) {
    throw;
  } catch (const std::exception& error) {  // archive_exception, bad_alloc, length_error
    throw CorruptData(error.what());
  }
}

}  // namespace mailroom

namespace boost::serialization {

template <class Archive, mailroom::Described T>
requires mailroom::BoostArchive<Archive>
void serialize(Archive& archive, T& value, const unsigned version) {
  mailroom::for_each_field<T>([&](const auto& f) {
    if constexpr (Archive::is_loading::value) {
      if (mailroom::since_of<T>(f.name) > version) return;
    }
    archive&(value.*(f.member));
  });
}

template <class Archive>
requires mailroom::BoostArchive<Archive>
void serialize(Archive& archive, mailroom::Money& money, unsigned) { archive& money.minor; }
template <class Archive>
requires mailroom::BoostArchive<Archive>
void serialize(Archive& archive, mailroom::Timestamp& time, unsigned) { archive& time.micros; }
template <class Archive>
requires mailroom::BoostArchive<Archive>
void serialize(Archive& archive, std::chrono::microseconds& duration, unsigned) {
  auto count = static_cast<std::int64_t>(duration.count());
  archive& count;
  duration = std::chrono::microseconds(count);
}
template <class Archive, class T>
requires mailroom::BoostArchive<Archive>
void serialize(Archive& archive, std::optional<T>& value, unsigned) {
  bool present = value.has_value();
  archive& present;
  if constexpr (Archive::is_loading::value) {
    if (present)
      value.emplace();
    else
      value.reset();
  }
  if (present) archive&* value;
}

// Described types carry their version; nothing is tracked by address.
template <mailroom::Described T>
struct version<T> {
  using type = mpl::int_<static_cast<int>(mailroom::version_of<T>())>;
  using tag = mpl::integral_c_tag;
  static constexpr int value = static_cast<int>(mailroom::version_of<T>());
};
template <mailroom::Described T>
struct tracking_level<T> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
  static constexpr int value = track_never;
};
template <>
struct implementation_level<mailroom::Money> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
  static constexpr int value = object_serializable;
};
template <>
struct implementation_level<mailroom::Timestamp> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
  static constexpr int value = object_serializable;
};
template <>
struct implementation_level<std::chrono::microseconds> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
  static constexpr int value = object_serializable;
};
template <class T>
struct implementation_level<std::optional<T>> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
  static constexpr int value = object_serializable;
};
template <class T>
struct tracking_level<std::optional<T>> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
  static constexpr int value = track_never;
};

}  // namespace boost::serialization
