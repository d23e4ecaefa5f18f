// Described values as bytes: a Boost.Serialization archive of our own over memory (docs/decisions/0007).
//
// Fixed-width numbers little endian, sizes as LEB128, strings and containers by their size and items, an optional
// by one byte. A struct inside another begins with one byte, its MAILROOM_VERSION; that of the outermost value is
// kept by whoever writes its header. Types with a Boost `serialize` of their own work too.
#pragma once

#include <array>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/library_version_type.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/serialization.hpp>
#include <boost/serialization/vector.hpp>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/money.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

// Boost's kind of archive only: CAF's inspection API must not take these for its own.
template <class A>
concept BoostArchive = requires {
  typename A::is_saving;
  typename A::is_loading;
};

namespace detail {

template <class T>
inline constexpr bool archive_wrapper = false;
template <class T>
inline constexpr bool archive_wrapper<boost::serialization::nvp<T>> = true;

// What both directions share: one entry point for values, and what Boost asks of every archive.
template <class Derived, bool Saving>
class ArchiveBase {
 public:
  using is_saving = boost::mpl::bool_<Saving>;
  using is_loading = boost::mpl::bool_<!Saving>;

  template <class T>
  Derived& operator&(T&& value) {
    self().value(value);
    return self();
  }
  // A struct without its version byte: the caller keeps it.
  template <class T>
  void outermost(T& value, unsigned version) {
    boost::serialization::serialize_adl(self(), value, version);
  }
  [[nodiscard]] boost::serialization::library_version_type get_library_version() const {
    return boost::serialization::library_version_type(17);
  }
  template <class T>
  void register_type(T* = nullptr) {}
  static void reset_object_address(const void*, const void*) {}

 protected:
  Derived& self() { return static_cast<Derived&>(*this); }
};

}  // namespace detail

// Appends to a string.
class SavingArchive final : public detail::ArchiveBase<SavingArchive, true> {
 public:
  explicit SavingArchive(std::string& out) : out_(out) {}

  template <class T>
  SavingArchive& operator<<(const T& item) {
    value(item);
    return *this;
  }
  void save_binary(const void* bytes, std::size_t count) { out_.append(static_cast<const char*>(bytes), count); }

 private:
  friend ArchiveBase;
  template <class T>
  void value(const T& item) {
    if constexpr (detail::archive_wrapper<T>) {
      value(item.const_value());
    } else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>) {
      size(static_cast<std::size_t>(item));
    } else if constexpr (std::is_same_v<T, boost::serialization::item_version_type>) {
      // Structs carry their own.
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      save_binary(&item, sizeof item);
    } else if constexpr (std::is_same_v<T, std::string>) {
      size(item.size());
      out_.append(item);
    } else {
      if constexpr (Described<T>) {
        static_assert(version_of<T>() < 256);
        out_.push_back(static_cast<char>(version_of<T>()));
      }
      // Boost's one `serialize` is for both directions, so it takes no const.
      boost::serialization::serialize_adl(*this, const_cast<T&>(item), 0);
    }
  }
  void size(std::size_t count) {
    while (count >= 0x80) {
      out_.push_back(static_cast<char>(count | 0x80));
      count >>= 7;
    }
    out_.push_back(static_cast<char>(count));
  }

  std::string& out_;
};

// Reads from memory. No size is believed that the bytes left could not hold. Throws CorruptData.
class LoadingArchive final : public detail::ArchiveBase<LoadingArchive, false> {
 public:
  explicit LoadingArchive(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  LoadingArchive& operator>>(T&& item) {
    value(item);
    return *this;
  }
  void load_binary(void* bytes, std::size_t count) {
    if (count > rest_.size()) throw CorruptData("the bytes end within a value");
    std::memcpy(bytes, rest_.data(), count);
    rest_.remove_prefix(count);
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  friend ArchiveBase;
  template <class T>
  void value(T& item) {
    if constexpr (detail::archive_wrapper<std::remove_const_t<T>>) {
      value(item.value());
    } else if constexpr (std::is_same_v<T, boost::serialization::collection_size_type>) {
      item = boost::serialization::collection_size_type(size());
    } else if constexpr (std::is_same_v<T, boost::serialization::item_version_type>) {
    } else if constexpr (std::is_same_v<T, bool>) {
      item = byte() != 0;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      load_binary(&item, sizeof item);
    } else if constexpr (std::is_same_v<T, std::string>) {
      const auto length = size();
      item.assign(rest_.data(), length);
      rest_.remove_prefix(length);
    } else {
      unsigned version = 0;
      if constexpr (Described<T>) {
        version = byte();
        if (version > version_of<T>())
          throw CorruptData(std::string(name_of<T>()) + " was written as version " + std::to_string(version) +
                            " and this program knows version " + std::to_string(version_of<T>()) +
                            "; run the newer program");
      }
      boost::serialization::serialize_adl(*this, item, version);
    }
  }
  unsigned char byte() {
    unsigned char read = 0;
    load_binary(&read, 1);
    return read;
  }
  // A number of bytes, or of items of at least one byte.
  std::size_t size() {
    std::size_t count = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto read = byte();
      count |= static_cast<std::size_t>(read & 0x7F) << shift;
      if (read < 0x80) {
        if (count > rest_.size()) throw CorruptData("a size is greater than the bytes that follow");
        return count;
      }
    }
    throw CorruptData("a size has no end");
  }

  std::string_view rest_;
};

template <class T>
void save_archive(const T* values, std::size_t count, std::string& out) {
  SavingArchive archive(out);
  for (std::size_t i = 0; i < count; ++i) archive.outermost(const_cast<T&>(values[i]), version_of<T>());
}

// `version`: MAILROOM_VERSION of the program that wrote them. Throws CorruptData when the bytes are not exactly
// `count` values.
template <class T, class Take>
void load_archive(std::string_view bytes, std::size_t count, unsigned version, Take&& take) {
  LoadingArchive archive(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    T value{};
    archive.outermost(value, version);
    take(std::move(value));
  }
  if (!archive.at_end()) throw CorruptData("bytes are left over behind the last value");
}

}  // namespace mailroom

namespace boost::serialization {

template <mailroom::BoostArchive Archive, mailroom::Described T>
void serialize(Archive& archive, T& value, const unsigned version) {
  mailroom::for_each_field<T>([&](const auto& f) {
    if constexpr (Archive::is_loading::value) {
      if (mailroom::since_of<T>(f.name) > version) return;
    }
    archive&(value.*(f.member));
  });
}
template <mailroom::BoostArchive Archive>
void serialize(Archive& archive, mailroom::Money& money, unsigned) {
  archive& money.minor;
}
template <mailroom::BoostArchive Archive>
void serialize(Archive& archive, mailroom::Timestamp& time, unsigned) {
  archive& time.micros;
}
template <mailroom::BoostArchive Archive>
void serialize(Archive& archive, std::chrono::microseconds& duration, unsigned) {
  auto count = static_cast<std::int64_t>(duration.count());
  archive& count;
  duration = std::chrono::microseconds(count);
}
template <mailroom::BoostArchive Archive, class T>
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

}  // namespace boost::serialization
