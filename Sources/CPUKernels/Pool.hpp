// The thread pool as the kernels see it. Work is cut into chunks whose borders depend on sizes and thread count alone,
// so results do not depend on which thread runs which chunk. Each thread starts with its own stretch of chunks and then
// helps the others, and the caller never waits for a thread that has not begun: on a busy machine a late helper costs
// nothing.
#pragma once
#include "Table.hpp"

namespace rain {
struct PoolState;
}

struct RainPool {
    const rain::Table *table;
    RainISA isa;
    int threads;
    size_t cache_bytes;  // second-level cache of one processor
    rain::PoolState *state;
};

namespace rain {

using Task = void (*)(void *context, long chunk, int thread);
void run_chunks(RainPool *pool, long chunks, Task task, void *context);

/// body(chunk, thread) for every chunk, on all threads.
template <class Body>
inline void parallel(RainPool *pool, long chunks, const Body &body) {
    if (chunks <= 0) return;
    if (chunks == 1 || pool->threads == 1) {
        for (long chunk = 0; chunk < chunks; chunk++) body(chunk, 0);
        return;
    }
    run_chunks(
        pool, chunks, [](void *context, long chunk, int thread) { (*static_cast<const Body *>(context))(chunk, thread); },
        const_cast<Body *>(&body));
}

struct Range {
    long begin, end;
};

/// The i-th of `parts` stretches of `count` items; all but the last are multiples of `unit` long.
inline Range stretch(long count, long parts, long i, long unit = 1) {
    const long units = (count + unit - 1) / unit;
    const long begin = units * i / parts * unit, end = units * (i + 1) / parts * unit;
    return {begin < count ? begin : count, end < count ? end : count};
}

/// How many chunks `count` items make when a chunk should hold at least `grain` of them: as many for each thread, if there are enough.
inline long chunk_count(const RainPool *pool, long count, long grain, long chunks_per_thread = 4) {
    if (grain < 1) grain = 1;
    const long most = pool->threads == 1 ? 1 : pool->threads * chunks_per_thread, possible = count / grain;
    if (possible >= most) return most;
    return possible < 1 ? 1 : possible < pool->threads ? possible : possible / pool->threads * pool->threads;
}

/// body(begin, end, thread) over stretches of at least `grain` items, multiples of `unit` long.
template <class Body>
inline void parallel_ranges(RainPool *pool, long count, long grain, long unit, const Body &body) {
    const long chunks = chunk_count(pool, count, grain > unit ? grain : unit);
    parallel(pool, chunks, [&](long chunk, int thread) {
        const Range range = stretch(count, chunks, chunk, unit);
        if (range.begin < range.end) body(range.begin, range.end, thread);
    });
}

/// Memory of the calling thread for what one chunk needs while it runs. One for all kernels: it counts towards every thread's stack.
constexpr size_t thread_buffer_bytes = (1280 + 64) << 10;
void *thread_buffer();

inline size_t round_up(size_t bytes, size_t unit = 64) { return (bytes + unit - 1) / unit * unit; }

}  // namespace rain
