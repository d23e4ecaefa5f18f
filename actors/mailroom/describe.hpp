// The schema of a described type, from its field list.
#pragma once

#include <memory>

#include <mailroom/fields.hpp>
#include <mailroom/schema.hpp>
#include <mailroom/text.hpp>

namespace mailroom {

template <class T>
Schema schema_of();

namespace detail {

template <class T>
constexpr FieldKind kind_of() {
  if constexpr (is_optional<T>)
    return kind_of<typename T::value_type>();
  else if constexpr (is_vector<T>)
    return FieldKind::list;
  else if constexpr (is_map<T>)
    return FieldKind::map;
  else if constexpr (Described<T>)
    return FieldKind::object;
  else if constexpr (std::is_same_v<T, bool>)
    return FieldKind::boolean;
  else if constexpr (std::is_integral_v<T>)
    return FieldKind::integer;
  else if constexpr (std::is_floating_point_v<T>)
    return FieldKind::real;
  else if constexpr (std::is_same_v<T, std::string>)
    return FieldKind::text;
  else if constexpr (std::is_same_v<T, Money>)
    return FieldKind::money;
  else if constexpr (std::is_same_v<T, Timestamp>)
    return FieldKind::time;
  else if constexpr (std::is_same_v<T, std::chrono::microseconds>)
    return FieldKind::duration;
  else if constexpr (DescribedEnum<T>)
    return FieldKind::enumeration;
  else
    static_assert(unsupported<T>, "a field of this type can't be in a field list; see fields.hpp for those that can");
}

template <class T>
void describe_into(SchemaField& field) {
  if constexpr (is_optional<T>) {
    describe_into<typename T::value_type>(field);
    field.optional = true;
  } else {
    field.kind = kind_of<T>();
    if constexpr (is_vector<T>) {
      field.element = kind_of<typename T::value_type>();
      if constexpr (Described<typename T::value_type>)
        field.nested = std::make_shared<Schema>(schema_of<typename T::value_type>());
    } else if constexpr (is_map<T>) {
      field.element = kind_of<typename T::mapped_type>();
      if constexpr (Described<typename T::mapped_type>)
        field.nested = std::make_shared<Schema>(schema_of<typename T::mapped_type>());
    } else if constexpr (Described<T>) {
      field.nested = std::make_shared<Schema>(schema_of<T>());
    } else if constexpr (DescribedEnum<T>) {
      for (const auto& [value, name] : mailroom_enum(static_cast<const T*>(nullptr))) field.names.emplace_back(name);
    }
  }
}

}  // namespace detail

template <class T>
Schema schema_of() {
  Schema schema;
  schema.name = name_of<T>();
  for_each_field<T>([&]<class M>(const Field<T, M>& f) {
    SchemaField field;
    field.name = f.name;
    field.type = type_in_words<M>();
    field.since = since_of<T>(f.name);
    detail::describe_into<M>(field);
    schema.fields.push_back(std::move(field));
  });
  return schema;
}

}  // namespace mailroom
