// SPDX-License-Identifier: MIT
#include "audio/wav_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include <sndfile.h>

#include "audio/resampler.hpp"

namespace voice {
namespace {

using tickwire::Error;
using tickwire::ErrorCode;
using tickwire::Result;

constexpr int lowest_rate_hz = 4'000;
constexpr int highest_rate_hz = 768'000;
constexpr int most_channels = 64;
constexpr sf_count_t piece_frames = 4'096;

Error unreadable(const std::filesystem::path& file, const std::string& why) {
  return {ErrorCode::file_unreadable, 0,
          "cannot read the sound file " + file.string() + ": " + why};
}

// libsndfile has one sentence for all that stands between it and a file; these are told apart
// first.
Result<void> check_readable(const std::filesystem::path& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) return unreadable(file, "there is no such file");
  if (std::filesystem::is_directory(status)) return unreadable(file, "it is a folder");
  if (!std::filesystem::is_regular_file(status)) return unreadable(file, "it is not a plain file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return unreadable(file, errno != 0 ? std::strerror(errno) : "it cannot be opened");
  if (stream.peek() == std::ifstream::traits_type::eof()) return unreadable(file, "it is empty");
  return {};
}

Result<void> check_shape(const std::filesystem::path& file, const SF_INFO& info) {
  if (info.samplerate < lowest_rate_hz || info.samplerate > highest_rate_hz) {
    return unreadable(file, "its rate of " + std::to_string(info.samplerate) + " Hz is not " +
                                std::to_string(lowest_rate_hz) + " to " +
                                std::to_string(highest_rate_hz) + " Hz");
  }
  if (info.channels < 1 || info.channels > most_channels) {
    return unreadable(file, "it has " + std::to_string(info.channels) + " channels");
  }
  return {};
}

// One channel out of many: their mean.
void mix_down(std::span<const float> interleaved, std::size_t channels, std::vector<float>& mono) {
  mono.clear();
  for (std::size_t at = 0; at < interleaved.size(); at += channels) {
    float sum = 0.0F;
    for (const float sample : interleaved.subspan(at, channels))
      sum += sample;
    mono.push_back(sum / static_cast<float>(channels));
  }
}

// The header may lie about the length, so what counts is what comes.
Result<std::vector<float>> read_mono(SNDFILE* handle, const SF_INFO& info,
                                     const std::filesystem::path& file,
                                     std::chrono::seconds longest) {
  auto resampler = Resampler::create(info.samplerate, sample_rate_hz);
  if (!resampler) return unreadable(file, resampler.error().message());
  const auto channels = static_cast<std::size_t>(info.channels);
  const auto most_samples =
      static_cast<std::size_t>(longest.count()) * static_cast<std::size_t>(sample_rate_hz);
  std::vector<float> piece(static_cast<std::size_t>(piece_frames) * channels);
  std::vector<float> mono;
  std::vector<float> samples;
  sf_count_t got = 0;
  while ((got = sf_readf_float(handle, piece.data(), piece_frames)) > 0) {
    mix_down(std::span(piece).first(static_cast<std::size_t>(got) * channels), channels, mono);
    if (info.samplerate == sample_rate_hz) {
      samples.insert(samples.end(), mono.begin(), mono.end());
    } else {
      resampler->run(mono, samples);
    }
    if (samples.size() > most_samples) {
      return unreadable(file, "it is longer than " + std::to_string(longest.count()) + " seconds");
    }
  }
  if (samples.empty() && sf_error(handle) != SF_ERR_NO_ERROR) {
    return unreadable(file, sf_strerror(handle));
  }
  if (info.samplerate != sample_rate_hz && !samples.empty()) resampler->finish(samples);
  return samples;
}

}  // namespace

Result<Samples> read_sound(const std::filesystem::path& file, std::chrono::seconds longest) {
  if (const auto readable = check_readable(file); !readable) return readable.error();
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> handle(sf_open(file.c_str(), SFM_READ, &info),
                                                           sf_close);
  if (handle == nullptr) {
    const bool unknown = sf_error(nullptr) == SF_ERR_UNRECOGNISED_FORMAT;
    return unreadable(file, unknown ? "it is not a sound file" : sf_strerror(nullptr));
  }
  if (const auto usable = check_shape(file, info); !usable) return usable.error();
  auto mono = read_mono(handle.get(), info, file, longest);
  if (!mono) return std::move(mono).error();
  if (mono->empty()) return unreadable(file, "there is no sound in it");
  Samples samples(mono->size());
  std::transform(mono->begin(), mono->end(), samples.begin(), to_int16);
  return samples;
}

void WavWriter::Close::operator()(sf_private_tag* handle) const noexcept {
  sf_close(handle);
}

Result<WavWriter> WavWriter::create(const std::filesystem::path& file) {
  SF_INFO info{};
  info.samplerate = sample_rate_hz;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  WavWriter made;
  made.file_ = file;
  errno = 0;
  made.handle_.reset(sf_open(file.c_str(), SFM_WRITE, &info));
  if (made.handle_ == nullptr) {
    return made.failed(errno != 0 ? std::strerror(errno) : sf_strerror(nullptr));
  }
  sf_command(made.handle_.get(), SFC_SET_UPDATE_HEADER_AUTO, nullptr, SF_TRUE);
  return made;
}

Result<void> WavWriter::check(const std::filesystem::path& file) {
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(file, ignored);
  WavWriter unmade;
  unmade.file_ = file;
  errno = 0;
  if (!std::ofstream(file, std::ios::binary | std::ios::app)) {
    return unmade.failed(errno != 0 ? std::strerror(errno) : "it cannot be opened");
  }
  // What a link leads to, not the link.
  if (!was_there) std::filesystem::remove(std::filesystem::canonical(file, ignored), ignored);
  return {};
}

Result<void> WavWriter::write(std::span<const std::int16_t> samples) {
  if (handle_ == nullptr) return failed("it is closed");
  const auto count = static_cast<sf_count_t>(samples.size());
  if (sf_write_short(handle_.get(), samples.data(), count) != count) {
    return failed(sf_strerror(handle_.get()));
  }
  return {};
}

Result<void> WavWriter::close() {
  if (handle_ == nullptr) return {};
  const int code = sf_close(handle_.release());
  if (code != 0) return failed(sf_error_number(code));
  return {};
}

Error WavWriter::failed(const char* why) const {
  return {ErrorCode::file_unreadable, 0,
          "cannot write the sound file " + file_.string() + ": " + why};
}

}  // namespace voice
