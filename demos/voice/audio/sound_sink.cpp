// SPDX-License-Identifier: MIT
#include "audio/sound_sink.hpp"

namespace voice {

tickwire::Result<WavSink> WavSink::create(const std::filesystem::path& file) {
  if (const auto writable = WavWriter::check(file); !writable) return writable.error();
  return WavSink(file);
}

tickwire::Result<void> WavSink::push(const Frame& frame) {
  if (!writer_) {
    auto writer = WavWriter::create(file_);
    if (!writer) return std::move(writer).error();
    writer_ = *std::move(writer);
  }
  return writer_->write(frame);
}

tickwire::Result<void> WavSink::close() {
  if (!writer_) return {};
  return writer_->close();
}

}  // namespace voice
