// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cereal/cereal.hpp>

#include <tickwire/copy_bytes.hpp>
#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/export.hpp>
#include <tickwire/wire_number.hpp>

// Included by archive.hpp, which is the header to include.

namespace tickwire {

/// Specialise to true for a base class to take pointers to it from the network, whatever
/// `DecodeLimits::polymorphic` says.
template <class Base>
inline constexpr bool accepts_polymorphic = false;

namespace detail {

/// What one element of a container costs: bytes on the wire at least (0: not known), and memory.
struct ElementShape {
  std::uint32_t wire_bytes = 0;
  std::uint32_t memory_bytes = 64;
};

/// What is to become of something that was put off. When the decode fails it is cleared again: what
/// was tied together so far may be too deep to be destroyed.
enum class Deferred : std::uint8_t { read, clear };

/// What is thrown through a decode that cannot go on.
class TICKWIRE_API DecodeFailure : public cereal::Exception {
 public:
  DecodeFailure(ErrorCode code, std::size_t offset, const std::string& reason);
  ~DecodeFailure() override;
  ErrorCode code;
  std::size_t offset;
};

}  // namespace detail

/// Reads what `ByteWriter` wrote, from bytes that may come from an attacker. Takes time in
/// proportion to the bytes, whatever they say, but for a hash table: its keys may be chosen to
/// collide, so an ordered map is the better choice for what strangers send.
///
/// Shape:    less than 2^32 elements in a container. Text is bytes: only `Value` demands UTF-8.
/// Errors:   throws; `decode` is the call that does not throw. After the first failure every
///           further read fails too, also when the program's own code swallows the exception.
/// Lifetime: the bytes outlive the reader.
class ByteReader : public cereal::detail::InputArchiveBase, private cereal::tickwire_archive {
 public:
  using is_loading = std::true_type;
  using is_saving = std::false_type;

  explicit ByteReader(std::span<const std::byte> bytes,
                      const DecodeLimits& limits = kDefaultDecodeLimits) noexcept
      : begin_(bytes.data()),
        cursor_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        left_(limits) {}
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;
  ~ByteReader() noexcept override = default;

  /// Reads objects, one after the other.
  template <class... Types>
  ByteReader& operator()(Types&&... objects);
  template <class T>
  ByteReader& operator>>(T&& object) {
    return (*this)(std::forward<T>(object));
  }
  template <class T>
  ByteReader& operator&(T&& object) {
    return (*this)(std::forward<T>(object));
  }

  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(cursor_ - begin_);
  }
  [[nodiscard]] std::size_t remaining() const noexcept {
    return static_cast<std::size_t>(end_ - cursor_);
  }

  template <detail::wire_number T>
  void read(T& number) {
    if constexpr (std::is_same_v<T, long double>) {
      double high = 0;
      double low = 0;
      read(high);
      read(low);
      number = static_cast<long double>(high) + low;
    } else {
      const std::byte* at = take(sizeof(T));
      if constexpr (std::is_same_v<T, bool>) {
        if (std::to_integer<unsigned>(*at) > 1) [[unlikely]]
          fail_bool(at);
        number = *at != std::byte{0};
      } else {
        number = detail::load_number<T>(at);
      }
    }
  }

  void read_bytes(void* into, std::size_t size) { detail::copy_bytes(into, take(size), size); }

  template <detail::wire_number T>
  void read_array(T* numbers, std::size_t count) {
    if constexpr (detail::copies_whole<T> && !std::is_same_v<T, bool>) {
      read_bytes(numbers, count * sizeof(T));
    } else {
      for (std::size_t i = 0; i < count; ++i)
        read(numbers[i]);
    }
  }

  std::uint64_t read_varint() {
    if (cursor_ != end_ && std::to_integer<unsigned>(*cursor_) < 0x80) [[likely]] {
      return std::to_integer<std::uint64_t>(*cursor_++);
    }
    return read_long_varint();
  }

  /// A number of elements, which the bytes that are left can hold and the budget allows for.
  std::size_t read_size() {
    const detail::ElementShape shape = std::exchange(element_, {});
    const std::uint64_t count = read_varint();
    const std::uint64_t most = std::min<std::uint64_t>(remaining(), 0xFFFFFFFFu);
    if (count > most || count * shape.wire_bytes > remaining()) [[unlikely]] {
      admit_oversize(count, shape);
    }
    charge(count * shape.memory_bytes);
    return static_cast<std::size_t>(count);
  }

  /// Counts memory that the object is about to take.
  void charge(std::uint64_t bytes) {
    if (bytes > left_.max_total_bytes) [[unlikely]]
      fail_budget();
    left_.max_total_bytes -= static_cast<std::size_t>(bytes);
  }

  /// Ends the decode. The reason continues the sentence "the object is refused: ".
  [[noreturn]] TICKWIRE_API void fail(ErrorCode code, std::string_view reason);

  /// Reads what was put off, and demands that every byte was used.
  void finish() {
    if (state_ || cursor_ != end_) [[unlikely]]
      finish_slowly();
  }
  /// Bytes at the end that `finish` passed over, because a newer version of the type wrote them.
  [[nodiscard]] std::size_t skipped_bytes() const noexcept {
    return state_ ? count_skipped_bytes() : 0;
  }

  /// Reads what `cereal::defer` put off. `decode` calls it last. May be called again after more was
  /// put off.
  TICKWIRE_API void serializeDeferments();

  // What follows is for serialization.hpp, standard_types.hpp and Cereal's own functions.

  /// How much `cereal::defer` has put off, ever.
  [[nodiscard]] std::size_t deferments() const noexcept { return state_ ? count_deferments() : 0; }
  /// Goes one level down, into an object or a container of `shape`.
  void enter(const detail::ElementShape& shape) {
    element_ = shape;
    if (++levels_ > left_.max_depth) [[unlikely]]
      fail_depth();
  }
  void leave() noexcept { --levels_; }
  /// Reads objects that exist already, each on the level below this one.
  template <class Iterator>
  void read_each(Iterator first, Iterator last);
  /// What the next size counts.
  void forget_elements() noexcept {
    if (element_.memory_bytes != detail::ElementShape().memory_bytes || element_.wire_bytes != 0)
        [[unlikely]]
      element_ = {};
  }
  void expect_elements(const detail::ElementShape& shape) noexcept { element_ = shape; }
  /// The version that wrote the objects of a class.
  template <class T>
  std::uint32_t loadClassVersion();
  TICKWIRE_API void registerPolymorphicName(std::uint32_t id, const std::string& name);
  [[nodiscard]] TICKWIRE_API const std::string& getPolymorphicName(std::uint32_t id);

  /// For smart pointers of a program's own. Which type an object has is theirs to know: bytes that
  /// point back to one of another type are not found out.
  TICKWIRE_API void registerSharedPointer(std::uint32_t id, const std::shared_ptr<void>& object);
  [[nodiscard]] TICKWIRE_API std::shared_ptr<void> getSharedPointer(std::uint32_t id);

  /// A pointer to `base` follows, whose class the bytes choose.
  TICKWIRE_API void expect_base(const std::type_info& base, PolymorphicTypes accepted);
  [[nodiscard]] TICKWIRE_API const std::type_info* take_base() noexcept;

  /// The next shared object is only pointed back to.
  TICKWIRE_API void expect_weak();
  TICKWIRE_API void expect_owner() noexcept;
  /// Where a shared object stands in this stream.
  struct Identity {
    std::size_t index = 0;
    bool null = false;
    bool first = false;  ///< its data follows
  };
  [[nodiscard]] Identity read_identity() { return identity(read_varint()); }
  [[nodiscard]] TICKWIRE_API Identity identity(std::uint64_t id);
  TICKWIRE_API void begin_shared(std::shared_ptr<void> object, const std::type_info& type);
  /// It began as null, and can be pointed back to from here on.
  TICKWIRE_API void make_shared_known(std::size_t index, std::shared_ptr<void> object);
  /// `object` may be another owner of the same object than the one that began.
  TICKWIRE_API void complete_shared(std::size_t index, std::shared_ptr<void> object);
  TICKWIRE_API const std::shared_ptr<void>& find_shared(std::size_t index,
                                                        const std::type_info& type);

 private:
  struct State;
  struct StateDeleter {
    TICKWIRE_API void operator()(State* state) const noexcept;
  };

  template <std::size_t From, class... Types>
  void read_from(const std::tuple<Types&...>& objects);
  template <std::size_t From, class... Types, std::size_t... Offsets>
  void read_run(const std::tuple<Types&...>& objects, std::index_sequence<Offsets...>);
  template <class T>
  void process(T& object);
  template <class T>
  void process_object(T& object);
  template <class T>
  void process_levelled(T& object);
  template <class T>
  void dispatch(T& object);

  const std::byte* take(std::size_t bytes) {
    if (remaining() < bytes) [[unlikely]]
      fail_short(bytes);
    return std::exchange(cursor_, cursor_ + bytes);
  }
  TICKWIRE_API std::uint64_t read_long_varint();
  TICKWIRE_API void admit_oversize(std::uint64_t count, const detail::ElementShape& shape);
  void check_newer(std::uint64_t stored, std::uint32_t own);
  TICKWIRE_API std::uint32_t read_version(const std::type_info& type, std::uint32_t own);
  /// Whether this virtual base is read for the first time.
  TICKWIRE_API bool remember_base(const void* base, const std::type_info& type);
  TICKWIRE_API void defer(std::function<void(detail::Deferred)> deferment);
  void run_deferments(std::size_t first);
  void tie_to_current(std::size_t owned);
  /// Gives the shared objects from there on their heights.
  void settle(std::size_t first_object, std::size_t first_tie);
  [[nodiscard]] TICKWIRE_API std::size_t count_deferments() const noexcept;
  TICKWIRE_API void finish_slowly();
  [[noreturn]] TICKWIRE_API void fail_enum(const std::byte* at);
  [[noreturn]] TICKWIRE_API void fail_short(std::size_t bytes);
  /// At the number of a run that is cut, or missing.
  [[noreturn]] TICKWIRE_API void fail_run(std::span<const std::size_t> sizes);
  [[noreturn]] TICKWIRE_API void fail_bool(const std::byte* at);
  [[noreturn]] TICKWIRE_API void fail_budget();
  [[noreturn]] TICKWIRE_API void fail_depth();
  [[nodiscard]] TICKWIRE_API std::size_t count_skipped_bytes() const noexcept;
  State& state();

  // Few and next to each other: what is stored here takes longer than a small object to read. What
  // only some objects need is in the state, which is made when the first of it is used.
  const std::byte* begin_;
  const std::byte* cursor_;
  const std::byte* end_;
  DecodeLimits left_;  // less memory with everything that is read; the depth stays
  std::uint32_t levels_ = 0;
  std::uint32_t version_count_ = 0;
  detail::ElementShape element_;
  std::unique_ptr<State, StateDeleter> state_;
  struct Version {
    const std::type_info* type;
    std::uint32_t stored;
  };
  std::array<Version, 4> versions_;  // of the first classes that have one
};

}  // namespace tickwire
