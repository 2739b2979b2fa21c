// SPDX-License-Identifier: MIT
#include "lib/features/transfer/file_thread.hpp"

#include <new>
#include <string>
#include <system_error>

namespace tickwire::detail {

void FileThread::start(Poster poster) {
  stop();
  answers_ = std::make_shared<Answers>();
  poster_ = std::move(poster);
  is_stopping_ = false;
}

void FileThread::stop() noexcept {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  jobs_.clear();
  const std::lock_guard lock(answers_->mutex);
  answers_->is_over = true;
  answers_->waiting.clear();
}

Result<void> FileThread::begin() try {
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  return {};
} catch (const std::system_error& failure) {
  return Error{ErrorCode::out_of_resources, failure.code().value(),
               std::string("No thread for files: ") + failure.what() + "."};
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::out_of_resources, 0, {}};
}

std::size_t FileThread::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void FileThread::run(FileJob job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

// The host is woken for the first of those that wait only; it takes all.
void FileThread::answer(FileJob job) {
  bool is_first = false;
  {
    const std::lock_guard lock(answers_->mutex);
    is_first = answers_->waiting.empty();
    answers_->waiting.push_back(std::move(job));
  }
  if (is_first) (*poster_)([answers = answers_] { run_answers(*answers); });
}

void FileThread::run_answers(Answers& answers) {
  std::vector<FileJob> ready;
  {
    const std::lock_guard lock(answers.mutex);
    if (answers.is_over) return;
    ready.swap(answers.waiting);
  }
  for (FileJob& each : ready)
    each();
}

void FileThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_stopping_ || !jobs_.empty(); });
    if (is_stopping_) return;
    FileJob job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace tickwire::detail
