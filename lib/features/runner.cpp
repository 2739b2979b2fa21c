// SPDX-License-Identifier: MIT
#include <tickwire/runner.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_set>

#include <tickwire/extension.hpp>

#include "lib/features/exception_error.hpp"

namespace tickwire {
namespace detail {
namespace {

/// Knows which connections are up, and whether the event that listeners are being told of is a
/// report of what one of them threw.
class Watch final : public Extension {
 public:
  explicit Watch(Host& host) : host_(host) {
    // Ticks follow the last event of a pass.
    host.on_update([this](const Tick&) { is_reporting_ = false; });
    host.attach(*this);
  }
  ~Watch() override { host_.detach(*this); }

  Disposition on_event(Host& host, Event& event) override {
    is_reporting_ = event.type == EventType::error &&
                    event.error.code == ErrorCode::exception_thrown &&
                    event.connection == Connection();
    if (event.type == EventType::connected) up_.insert(event.connection);
    if (event.type == EventType::disconnected && up_.erase(event.connection) > 0) {
      end_if_done(host);
    }
    return Disposition::pass;
  }
  void on_pass(Host&) override { is_reporting_ = false; }

  /// Ends all connections; the host stops with the last.
  void close(Host& host) {
    is_closing_ = true;
    host.close();
    end_if_done(host);
  }
  [[nodiscard]] bool is_done() const noexcept { return is_closing_ && up_.empty(); }
  [[nodiscard]] bool is_reporting() const noexcept { return is_reporting_; }

 private:
  void end_if_done(Host& host) const {
    if (is_done()) host.stop();
  }

  Host& host_;
  std::unordered_set<Connection> up_;
  bool is_reporting_ = false;
  bool is_closing_ = false;
};

}  // namespace

class RunnerThread {
 public:
  ~RunnerThread() { static_cast<void>(stop()); }

  [[nodiscard]] Result<void> start(HostConfig config, const Runner::SetUpCall& set_up) {
    std::unique_lock lock(mutex_);
    try {
      thread_ = std::thread([this, &config, &set_up] { live(std::move(config), set_up); });
    } catch (const std::system_error&) {
      return Error{ErrorCode::out_of_resources, 0, "No thread can be started for the host."};
    }
    changed_.wait(lock, [&] { return phase_ != Phase::starting; });
    if (phase_ != Phase::ended) return {};
    lock.unlock();
    thread_.join();
    return failure_;
  }

  bool post(std::function<void(Host&)> function) const {
    // What is posted runs only while there is a host.
    return (*poster_)([host = host_, function = std::move(function)] { function(*host); });
  }
  [[nodiscard]] const Poster& poster() const noexcept { return *poster_; }
  [[nodiscard]] bool is_running() const noexcept { return is_running_; }

  Result<void> stop() {
    if (!thread_.joinable()) return result();
    post([this](Host& host) {
      if (!is_closing_) host.stop();
    });
    if (is_own_thread()) return {};
    return join();
  }

  Result<void> wait() {
    if (is_own_thread()) {
      return Error{ErrorCode::reentrant_call, 0, "A runner's own thread cannot wait for its end."};
    }
    if (!thread_.joinable()) return result();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return phase_ != Phase::running; });
    }
    return join();
  }

 private:
  enum class Phase : std::uint8_t { starting, running, closing, ended };
  enum class Run : std::uint8_t { stopped, threw, failed };

  // -- On the runner's thread

  void live(HostConfig config, const Runner::SetUpCall& set_up) {
    try {
      Host host(std::move(config));
      serve(host, set_up);
    } catch (const std::invalid_argument& exception) {
      failure_ = {ErrorCode::invalid_argument, 0, exception.what()};
    } catch (...) {
      failure_ = caught_error("The host");
    }
    enter(Phase::ended);
  }

  void serve(Host& host, const Runner::SetUpCall& set_up) {
    Watch watch(host);
    RunnerKeeper keeper;
    if (!begin(host, keeper, set_up)) return;
    Run last = Run::threw;
    while (last == Run::threw)
      last = run(host, watch);

    is_closing_ = true;
    enter(Phase::closing);
    watch.close(host);
    // Whatever becomes of the rest, the goodbyes are on their way.
    host.flush();
    while (last != Run::failed && !watch.is_done() && !is_out_of_patience_)
      last = run(host, watch);
  }

  [[nodiscard]] bool begin(Host& host, RunnerKeeper& keeper, const Runner::SetUpCall& set_up) {
    try {
      if (Result<void> done = set_up(host, keeper); !done) {
        failure_ = done.error();
        return false;
      }
    } catch (...) {
      failure_ = caught_error("The set-up");
      return false;
    }
    host_ = &host;
    poster_.emplace(host.poster());
    patience_ = host.config().timeouts.linger + std::chrono::seconds(1);
    enter(Phase::running);
    return true;
  }

  [[nodiscard]] Run run(Host& host, const Watch& watch) {
    try {
      static_cast<void>(host.run());
      return Run::stopped;
    } catch (...) {
      Error error = caught_error("A function that the host calls");
      if (!watch.is_reporting()) {
        report(host, std::move(error));
        return Run::threw;
      }
      failure_ = std::move(error);
      return Run::failed;
    }
  }

  void enter(Phase phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    is_running_ = phase == Phase::running;
    changed_.notify_all();
  }

  // -- On others

  [[nodiscard]] bool is_own_thread() const noexcept {
    return std::this_thread::get_id() == thread_.get_id();
  }

  Result<void> join() {
    {
      // By the real time: the host's own clock may stand still.
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, patience_, [&] { return phase_ == Phase::ended; })) {
        lock.unlock();
        post([this](Host& host) {
          is_out_of_patience_ = true;
          host.stop();
        });
      }
    }
    thread_.join();
    return result();
  }

  [[nodiscard]] Result<void> result() const {
    if (failure_.code == ErrorCode::none) return {};
    return failure_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::starting;
  std::atomic<bool> is_running_{false};
  bool is_closing_ = false;          // the runner's thread only
  bool is_out_of_patience_ = false;  // the runner's thread only
  Error failure_;                    // others after the thread has ended
  Host* host_ = nullptr;
  std::optional<Poster> poster_;
  Duration patience_{};
  std::thread thread_;
};

}  // namespace detail

RunnerKeeper::~RunnerKeeper() {
  while (last_) {
    const auto gone = std::move(last_);
    last_ = std::move(gone->before);
  }
}

void RunnerKeeper::add(std::unique_ptr<Anything> kept) {
  kept->before = std::move(last_);
  last_ = std::move(kept);
}

Runner::Runner(std::unique_ptr<detail::RunnerThread> thread) noexcept
    : thread_(std::move(thread)) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

Result<Runner> Runner::start_with(HostConfig config, const SetUpCall& set_up) {
  auto thread = std::make_unique<detail::RunnerThread>();
  if (auto started = thread->start(std::move(config), set_up); !started) return started.error();
  return Runner(std::move(thread));
}

bool Runner::post(std::function<void(Host&)> function) const {
  return thread_->post(std::move(function));
}
Poster Runner::poster() const {
  return thread_->poster();
}
Result<void> Runner::stop() {
  return thread_->stop();
}
Result<void> Runner::wait() {
  return thread_->wait();
}
bool Runner::is_running() const noexcept {
  return thread_->is_running();
}

}  // namespace tickwire
