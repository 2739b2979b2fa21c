// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cereal/cereal.hpp>

#include <tickwire/byte_sink.hpp>
#include <tickwire/copy_bytes.hpp>
#include <tickwire/export.hpp>
#include <tickwire/wire_number.hpp>

// Included by archive.hpp, which is the header to include.

namespace tickwire {

namespace detail {

/// What is thrown through an encode whose sink is full.
class TICKWIRE_API SinkFull : public cereal::Exception {
 public:
  SinkFull();
  ~SinkFull() override;
};

/// Appends to a vector, which is larger meanwhile. A vector fills what it grows by with zeros, so
/// it grows by little at first.
class TICKWIRE_API VectorSink final : public ByteSink {
 public:
  explicit VectorSink(std::vector<std::byte>& bytes) noexcept : bytes_(&bytes) {
    size_ = bytes.size();
    bytes.resize(std::min(bytes.capacity(), size_ + kFirstRoom));
    data_ = bytes.data();
    capacity_ = bytes.size();
  }
  VectorSink(const VectorSink&) = delete;
  VectorSink& operator=(const VectorSink&) = delete;

  /// Only ever makes the vector smaller, which does not throw.
  void finish() noexcept { bytes_->resize(size_); }

 private:
  static constexpr std::size_t kFirstRoom = 128;

  bool grow(std::size_t least_capacity) override;

  std::vector<std::byte>* bytes_ = nullptr;
};

}  // namespace detail

/// Writes objects as Cereal does, into memory. Takes everything that Cereal's own binary archives
/// take, with the same calls. It stands in the place of `cereal::OutputArchive`, which spends more
/// time on its tables than a small object takes to write.
///
/// Shape:    little-endian numbers, `bool` as 0 or 1, a size and a class version as a varint (7
///           bits a byte, lowest first), all else as Cereal's binary archives do but for the types
///           that standard_types.hpp lists. `long double` travels as the sum of two doubles.
/// Errors:   throws what Cereal throws; `encode` is the call that does not throw.
/// Lifetime: the target is complete once `finish` was called or the writer is gone.
class ByteWriter : public cereal::detail::OutputArchiveBase, private cereal::tickwire_archive {
 public:
  using is_loading = std::false_type;
  using is_saving = std::true_type;

  explicit ByteWriter(ByteSink& sink) noexcept : sink_(&sink) { open(); }
  explicit ByteWriter(std::vector<std::byte>& bytes) noexcept : own_(bytes) {
    sink_ = &own_;
    open();
  }
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;
  ~ByteWriter() noexcept override { finish(); }

  /// Writes objects, one after the other.
  template <class... Types>
  ByteWriter& operator()(Types&&... objects);
  template <class T>
  ByteWriter& operator<<(T&& object) {
    return (*this)(std::forward<T>(object));
  }
  template <class T>
  ByteWriter& operator&(T&& object) {
    return (*this)(std::forward<T>(object));
  }

  /// Bytes written by this writer so far. Pre: it is not finished.
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(cursor_ - sink_->data_) - sink_->size_;
  }

  /// Hands over what was written. Nothing may be written after it.
  void finish() noexcept {
    if (sink_ == nullptr) return;
    if (sink_ == &own_) {
      finish(own_);
      own_.finish();
    } else {
      finish(*sink_);
    }
  }
  /// The same for whoever made the writer, and knows its sink.
  void finish(ByteSink& sink) noexcept {
    sink.size_ = static_cast<std::size_t>(cursor_ - sink.data_);
    sink.has_writer_ = false;
    sink_ = nullptr;
  }

  /// Forgets what was written, and is finished.
  void abandon() noexcept {
    if (sink_ == nullptr) return;
    cursor_ = sink_->data_ + sink_->size_;
    finish();
  }

  template <detail::wire_number T>
  void write(T number) {
    if constexpr (std::is_same_v<T, long double>) {
      const auto high = static_cast<double>(number);
      write(high);
      const double low = std::isfinite(high) ? static_cast<double>(number - high) : 0.0;
      write(low != 0 ? low : std::copysign(0.0, high));  // -0 is a sum of two
    } else {
      cursor_ = detail::store_numbers(room(sizeof(T)), number);
    }
  }

  void write_bytes(const void* data, std::size_t size) {
    detail::copy_bytes(room(size), data, size);
    cursor_ += size;
  }

  /// Text with its size.
  void write_text(const char* text, std::size_t size) {
    if (size < 0x80) [[likely]] {
      std::byte* at = room(size + 1);
      *at = static_cast<std::byte>(size);
      // There may be no text at all.
      if (size != 0) std::memcpy(at + 1, text, size);
      cursor_ = at + 1 + size;
    } else {
      write_long_varint(size);
      write_bytes(text, size);
    }
  }

  template <detail::wire_number T>
  void write_array(const T* numbers, std::size_t count) {
    if constexpr (detail::copies_whole<T>) {
      write_bytes(numbers, count * sizeof(T));
    } else {
      for (std::size_t i = 0; i < count; ++i)
        write(numbers[i]);
    }
  }

  void write_varint(std::uint64_t number) {
    if (number < 0x80) return write(static_cast<std::uint8_t>(number));
    write_long_varint(number);
  }

  /// Writes what `cereal::defer` put off. `encode` calls it last. May be called again after more
  /// was put off.
  void serializeDeferments() {
    if (state_) [[unlikely]]
      write_deferred();
  }

  // What follows is for serialization.hpp, standard_types.hpp and Cereal's own functions.

  /// The number of a shared object in this stream; 0 stands for no object.
  struct Identity {
    std::uint32_t id = 0;
    bool first = false;  ///< not written before
  };
  TICKWIRE_API Identity identify(const std::shared_ptr<const void>& object,
                                 const std::type_info& type);
  TICKWIRE_API std::uint32_t registerPolymorphicType(const char* name);
  /// For smart pointers of a program's own, which write the answer before the object.
  TICKWIRE_API std::uint32_t registerSharedPointer(const std::shared_ptr<const void>& object);

 private:
  struct State;
  struct StateDeleter {
    TICKWIRE_API void operator()(State* state) const noexcept;
  };

  template <std::size_t From, class... Types>
  void write_from(const std::tuple<Types&...>& objects);
  template <std::size_t From, class... Types, std::size_t... Offsets>
  void write_run(const std::tuple<Types&...>& objects, std::index_sequence<Offsets...>);
  template <class T>
  void process(const T& object);
  template <class T>
  void dispatch(const T& object);
  template <class T>
  std::uint32_t write_version();

  /// Whether this is the first object of a versioned class.
  TICKWIRE_API bool remember_version(const std::type_info& type);
  /// Whether this virtual base is written for the first time.
  TICKWIRE_API bool remember_base(const void* base, const std::type_info& type);
  TICKWIRE_API void write_deferred();
  TICKWIRE_API void defer(std::function<void()> deferment);

  TICKWIRE_API void write_long_varint(std::uint64_t number);
  void open() noexcept {
    cursor_ = sink_->data_ + sink_->size_;
    end_ = sink_->data_ + sink_->capacity_;
    sink_->has_writer_ = true;
  }
  std::byte* room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - cursor_) < bytes) [[unlikely]]
      make_room(bytes);
    return cursor_;
  }
  TICKWIRE_API void make_room(std::size_t bytes);
  State& state();

  union {
    detail::VectorSink own_;  // only there when the target is a vector
  };
  ByteSink* sink_ = nullptr;  // null: finished
  std::byte* cursor_ = nullptr;
  std::byte* end_ = nullptr;
  std::unique_ptr<State, StateDeleter> state_;
  // The first classes with a version; further ones are in the state.
  std::size_t version_count_ = 0;
  std::array<const std::type_info*, 4> versions_;
};

}  // namespace tickwire
