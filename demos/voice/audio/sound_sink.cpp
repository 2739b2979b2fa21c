// SPDX-License-Identifier: MIT
#include "audio/sound_sink.hpp"

namespace voice {

tickwire::Result<WavSink> WavSink::create(const std::filesystem::path& file) {
  auto writer = WavWriter::create(file);
  if (!writer) return std::move(writer).error();
  return WavSink(*std::move(writer));
}

}  // namespace voice
