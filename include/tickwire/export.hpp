// SPDX-License-Identifier: MIT
#pragma once

/// Marks what the shared library exports; everything else is hidden.
#if defined(_WIN32) && defined(TICKWIRE_SHARED)
#if defined(TICKWIRE_BUILDING)
#define TICKWIRE_API __declspec(dllexport)
#else
#define TICKWIRE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define TICKWIRE_API __attribute__((visibility("default")))
#else
#define TICKWIRE_API
#endif
