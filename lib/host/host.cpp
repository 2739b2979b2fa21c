// SPDX-License-Identifier: MIT
#include <tickwire/host.hpp>

#include <algorithm>
#include <tickwire/codec.hpp>

#include "lib/host/host_core.hpp"
#include "lib/session/payload_access.hpp"

namespace tickwire {

Poster::Poster(std::shared_ptr<detail::Mailbox> mailbox) noexcept : mailbox_(std::move(mailbox)) {}

bool Poster::operator()(std::function<void()> function) const {
  return mailbox_->post(std::move(function));
}

Extension::~Extension() {
  detach();
}

void Extension::detach() noexcept {
  if (host_ != nullptr) host_->detach(*this);
}

Host::Host(HostConfig config)
    : core_(std::make_unique<detail::HostCore>(*this, std::move(config))) {}

Host::~Host() {
  while (!core_->extensions.empty()) {
    if (Extension* last = core_->extensions.back()) detach(*last);
    std::erase(core_->extensions, nullptr);
  }
}

Result<Address> Host::listen(std::string_view url, const ListenOptions& options) {
  return core_->listen(url, options);
}

Result<Connection> Host::connect(std::string_view url, const ConnectOptions& options) {
  return core_->connect(url, options);
}

ErrorCode Host::close(Connection connection, const CloseReason& reason) {
  return core_->close(connection, reason);
}

void Host::close(const CloseReason& reason) {
  core_->close_all(reason);
}

ErrorCode Host::close_and_wait(Duration timeout, const CloseReason& reason) {
  return core_->close_and_wait(timeout, reason);
}

ErrorCode Host::set_receiving(Connection connection, Receiving receiving) {
  return core_->set_receiving(connection, receiving);
}

std::optional<Event> Host::poll() {
  return core_->next_event();
}
std::optional<Event> Host::wait_for(Duration timeout) {
  return core_->wait_for(timeout);
}
Result<Connection> Host::wait_connected(Connection connection, Duration timeout) {
  return core_->wait_connected(connection, timeout);
}

void Host::update() {
  core_->update();
}
ErrorCode Host::run() {
  return core_->run();
}
void Host::stop() noexcept {
  core_->mailbox->stop();
}
bool Host::is_running() const noexcept {
  return core_->running;
}
void Host::flush() {
  core_->flush();
}

void Host::on_update(std::function<void(const Tick&)> function) {
  core_->update_hooks.push_back(std::move(function));
}

Subscription Host::on_connected(std::function<void(Connection)> function) {
  return core_->listeners->add(
      EventType::connected, 0,
      [function = std::move(function)](const Event& event) { function(event.connection); });
}

Subscription Host::on_disconnected(std::function<void(Connection, const Error&)> function) {
  return core_->listeners->add(EventType::disconnected, 0,
                               [function = std::move(function)](const Event& event) {
                                 function(event.connection, event.error);
                               });
}

Subscription Host::on_error(std::function<void(Connection, const Error&)> function) {
  return core_->listeners->add(EventType::error, 0,
                               [function = std::move(function)](const Event& event) {
                                 function(event.connection, event.error);
                               });
}

Subscription Host::on_sent(std::function<void(Connection, MessageId, Receipt)> function) {
  return core_->listeners->add(EventType::data_sent, 0,
                               [function = std::move(function)](const Event& event) {
                                 function(event.connection, event.message_id, event.receipt);
                               });
}

Subscription Host::on_bytes(std::function<void(Connection, std::span<const std::byte>)> function) {
  return core_->listeners->add(EventType::data_received, 0,
                               [function = std::move(function)](const Event& event) {
                                 function(event.connection, event.bytes());
                               });
}

Subscription Host::on_network_message(
    std::function<void(Connection, const NetworkMessage&)> function) {
  return on_message<NetworkMessage>(std::move(function));
}

Subscription Host::on_event(std::function<void(const Event&)> function) {
  return core_->listeners->add(EventMask::all(), 0, std::move(function));
}

Subscription Host::on_encoded(std::uint32_t type, std::function<void(const Event&)> function) {
  return core_->listeners->add(EventType::object_received, type, std::move(function));
}

void Host::report_malformed(const Event& event, Error error) {
  // Not an event of the connection's: its `error` would mean that it never came up.
  Event report;
  report.type = EventType::error;
  report.connection = event.connection;
  report.error = std::move(error);
  core_->listeners->dispatch(report);
}

Result<MessageId> Host::send_owned(Connection connection, std::vector<std::byte>&& bytes,
                                   const SendOptions& options) {
  return core_->send_owned(connection, std::move(bytes), options);
}

Result<MessageId> Host::send_owned(Connection connection, SendBuffer&& bytes,
                                   const SendOptions& options) {
  return core_->send_owned(connection, std::move(bytes), options);
}

Result<SendBuffer> Host::make_send_buffer(std::size_t bytes) {
  return core_->make_send_buffer(bytes);
}

BroadcastResult Host::forward(const Event& event, std::span<const Connection> targets,
                              const SendOptions& options) {
  detail::OutMessage message;
  message.body.is_object = event.type == EventType::object_received;
  if (!message.body.is_object && event.type != EventType::data_received) {
    return {0, 0, targets.size()};
  }
  message.body.type = event.type_id;
  message.body.payload = event.payload.bytes();
  message.body.metadata = event.payload.metadata_bytes();
  message.payload_block = detail::PayloadAccess::share(event.payload);
  return core_->send_to(targets, message, options);
}

ByteSink* Host::start_encoding() noexcept {
  detail::EncodeBuffer& buffer = core_->encode_buffer();
  if (buffer.has_writer()) return nullptr;
  buffer.clear();
  return &buffer;
}

Result<MessageId> Host::refuse(Connection connection, Error error) {
  core_->refuse_all({&connection, 1}, error.code);
  return error;
}

BroadcastResult Host::refuse_broadcast(const BroadcastOptions& options, ErrorCode code) {
  return core_->refuse_broadcast(options, code);
}

BroadcastResult Host::refuse_all(std::span<const Connection> targets, ErrorCode code) {
  return core_->refuse_all(targets, code);
}

BroadcastResult Host::broadcast_encoded(std::uint32_t type, const BroadcastOptions& options) {
  detail::OutMessage message = core_->encoded_message(type);
  return core_->broadcast(message, options);
}

BroadcastResult Host::send_encoded_to(std::span<const Connection> targets, std::uint32_t type,
                                      const SendOptions& options) {
  detail::OutMessage message = core_->encoded_message(type);
  return core_->send_to(targets, message, options);
}

Result<void> Host::may_wait_sent() const {
  return core_->may_wait_sent();
}

Result<MessageId> Host::wait_sent(Connection connection, MessageId id, Duration timeout) {
  return core_->wait_sent(connection, id, timeout);
}

bool Host::post(std::function<void()> function) {
  return core_->mailbox->post(std::move(function));
}
Poster Host::poster() const {
  return Poster(core_->mailbox);
}

void Host::attach(Extension& extension) {
  if (extension.host_ != nullptr) return;
  extension.host_ = this;
  core_->extensions.push_back(&extension);
  extension.on_attach(*this);
}

void Host::detach(Extension& extension) noexcept {
  if (extension.host_ != this) return;
  extension.host_ = nullptr;
  // Its place stays until the next pass: somebody may be going through them.
  std::replace(core_->extensions.begin(), core_->extensions.end(), &extension,
               static_cast<Extension*>(nullptr));
  extension.on_detach(*this);  // it may destroy itself
}

void Host::raise(Event event) {
  core_->raise(std::move(event));
}

std::vector<Connection> Host::connections() const {
  return core_->connections();
}
TimePoint Host::now() const noexcept {
  return core_->clock_now();
}
bool Host::is_connected() const noexcept {
  return core_->open_connections() > 0;
}
Result<void> Host::reload_certificates() {
  return core_->reload_certificates();
}

std::vector<Address> Host::listening_addresses() const {
  return core_->listening_addresses();
}
HostStats Host::stats() const {
  return core_->stats();
}
const HostConfig& Host::config() const noexcept {
  return core_->config;
}

}  // namespace tickwire
