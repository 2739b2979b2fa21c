// SPDX-License-Identifier: MIT
#include "lib/features/transfer/file_thread.hpp"

#include <new>
#include <string>
#include <system_error>
#include <utility>

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

void FileThread::run(std::unique_ptr<FileJob> job) noexcept {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

// The host is woken for the first of those that wait only; it takes all. Where there is no memory
// to wake it, they wait for its next pass.
void FileThread::answer(std::unique_ptr<FileJob> job) noexcept {
  {
    const std::lock_guard lock(answers_->mutex);
    answers_->waiting.push_back(std::move(job));
    if (std::exchange(answers_->is_posted, true)) return;
  }
  try {
    (*poster_)([answers = answers_] { run_answers(*answers); });
  } catch (const std::bad_alloc&) {
    const std::lock_guard lock(answers_->mutex);
    answers_->is_posted = false;
  }
}

// One of them may end everything, the thread too.
void FileThread::run_answers(Answers& answers) noexcept {
  FileJobs ready;
  {
    const std::lock_guard lock(answers.mutex);
    answers.is_posted = false;
    if (answers.is_over) return;
    ready.swap(answers.waiting);
  }
  while (!ready.empty())
    ready.take_front()->answer();
}

void FileThread::work() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_stopping_ || !jobs_.empty(); });
    if (is_stopping_) return;
    auto job = jobs_.take_front();
    lock.unlock();
    job->work();
    answer(std::move(job));
    lock.lock();
  }
}

}  // namespace tickwire::detail
