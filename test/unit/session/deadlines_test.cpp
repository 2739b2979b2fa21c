// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <memory_resource>

#include "lib/session/raw_session.hpp"
#include "test/support/session_pair.hpp"

using namespace tickwire;
using namespace std::chrono_literals;

TEST_CASE("a connect time that is longer than can be said never comes") {
  test::SessionPlan plan = test::SessionPair::settings(Direction::dialled);
  plan.start.connect_timeout = Duration::max();
  const TimePoint now(1h);

  test::SessionEnd end(plan, now);
  CHECK(end.session.next_deadline() == TimePoint::max());
  end.session.advance(now + 1h);
  CHECK_FALSE(end.session.has_event());

  const detail::PoolOwner pool(std::pmr::get_default_resource());
  detail::RawSession raw(std::make_shared<const detail::SessionSettings>(plan), plan.start, *pool,
                         now);
  CHECK(raw.next_deadline() == TimePoint::max());
  raw.advance(now + 1h);
  CHECK_FALSE(raw.has_event());
}
