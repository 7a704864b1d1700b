#pragma once

/// How often the calling thread has asked for heap memory since it began.
///
/// A program that links this has its malloc and relatives counted, also those of its libraries.
long rain_thread_allocations(void);
