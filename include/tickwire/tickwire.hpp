// SPDX-License-Identifier: MIT
#pragma once

/// What most programs need. Beside it there are hub.hpp, image.hpp, runner.hpp,
/// session_handler.hpp, task.hpp, testing.hpp and workers.hpp. Large programs include what they
/// use; codec.hpp is the one that costs compile time.
#include <tickwire/access_list.hpp>
#include <tickwire/accounts.hpp>
#include <tickwire/address.hpp>
#include <tickwire/clock.hpp>
#include <tickwire/codec.hpp>
#include <tickwire/config.hpp>
#include <tickwire/connection.hpp>
#include <tickwire/decode_limits.hpp>
#include <tickwire/error.hpp>
#include <tickwire/event.hpp>
#include <tickwire/extension.hpp>
#include <tickwire/filter.hpp>
#include <tickwire/host.hpp>
#include <tickwire/json.hpp>
#include <tickwire/message_name.hpp>
#include <tickwire/network_message.hpp>
#include <tickwire/stats.hpp>
#include <tickwire/subscription.hpp>
#include <tickwire/ticker.hpp>
#include <tickwire/tls.hpp>
#include <tickwire/transfer.hpp>
#include <tickwire/value.hpp>
#include <tickwire/version.hpp>
