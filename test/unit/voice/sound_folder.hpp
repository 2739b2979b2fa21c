// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "audio/wav_file.hpp"
#include "check/gnuplot.hpp"

namespace voice_test {

/// A folder for one test, whose name has a space and a quote in it.
class SoundFolder {
 public:
  SoundFolder() : parent_(*voice::TemporaryFolder::create()), path_(parent_.path() / "it's a mix") {
    std::filesystem::create_directory(path_);
  }

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

  std::filesystem::path write(const std::string& name, const voice::Samples& samples) const {
    auto writer = voice::WavWriter::create(path_ / name);
    REQUIRE(writer);
    REQUIRE(writer->write(samples));
    REQUIRE(writer->close());
    return path_ / name;
  }

 private:
  voice::TemporaryFolder parent_;
  std::filesystem::path path_;
};

}  // namespace voice_test
