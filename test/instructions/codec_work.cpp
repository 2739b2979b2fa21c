// SPDX-License-Identifier: MIT
#include <tickwire/archive.hpp>

#include "test/instructions/moved.hpp"
#include "test/instructions/work.hpp"

namespace tickwire::test {
namespace {

/// Makes the compiler believe that somebody looks at an object, and may change it.
void show(void* object) {
  asm volatile("" : : "g"(object) : "memory");
}

class CodecWork final : public Work {
 public:
  void run(std::size_t messages) override {
    for (std::size_t i = 0; i < messages; ++i) {
      show(&object_);
      bytes_.clear();
      expect(encode(object_, bytes_).has_value(), "encode failed");
      show(&bytes_);
      expect(decode_into(bytes_.bytes(), decoded_).has_value(), "decode failed");
      show(&decoded_);
    }
    expect(messages == 0 || decoded_ == object_, "what was decoded is not what was encoded");
  }

 private:
  Moved object_ = some_move();
  Moved decoded_;
  ByteBuffer bytes_;
};

}  // namespace

std::unique_ptr<Work> make_codec_work() {
  return std::make_unique<CodecWork>();
}

}  // namespace tickwire::test
