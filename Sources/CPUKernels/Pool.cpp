// The thread pool: persistent pthreads that spin briefly and then sleep.
#include "Pool.hpp"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <new>

namespace rain {
namespace {

// A pause takes about 40 ns on current machines, so this is some 20 µs: longer than the gap between two kernels,
// short enough not to steal a shared machine.
constexpr int spin_rounds = 500;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    // Most processors skip `yield`; this takes them about as long as a pause.
    __asm__ volatile("isb");
#endif
}

struct alignas(64) Stretch {
    std::atomic<long> next;
    long end;
};

}  // namespace

// One job at a time: `state` holds its number, whether threads may still join, and how many are inside.
struct PoolState {
    static constexpr uint64_t open = 1 << 15, inside = open - 1, number = 1 << 16;

    alignas(64) std::atomic<uint64_t> state{0};
    alignas(64) std::atomic<int> sleepers{0};
    std::atomic<bool> stop{false}, caller_sleeps{false};
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t wake = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
    Task task = nullptr;
    void *context = nullptr;
    int threads = 0, started = 0;
    Stretch *stretches = nullptr;
    pthread_t *handles = nullptr;

    void work(int thread) {
        for (int i = 0; i < threads; i++) {
            Stretch &stretch = stretches[(thread + i) % threads];
            while (stretch.next.load(std::memory_order_relaxed) < stretch.end) {
                const long chunk = stretch.next.fetch_add(1, std::memory_order_relaxed);
                if (chunk >= stretch.end) break;
                task(context, chunk, thread);
            }
        }
    }

    void help(int thread) {
        uint64_t last = 0;
        auto fresh = [&](uint64_t now) { return (now & open) && now / number != last; };
        while (true) {
            uint64_t now = state.load(std::memory_order_acquire);
            for (int i = 0; i < spin_rounds && !fresh(now) && !stop.load(std::memory_order_relaxed); i++) {
                relax();
                now = state.load(std::memory_order_acquire);
            }
            if (!fresh(now)) {
                pthread_mutex_lock(&mutex);
                sleepers.fetch_add(1);
                while (!fresh(state.load()) && !stop.load()) pthread_cond_wait(&wake, &mutex);
                sleepers.fetch_sub(1);
                pthread_mutex_unlock(&mutex);
                if (stop.load()) return;
                now = state.load(std::memory_order_acquire);
            }
            while (fresh(now)) {
                if (!state.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) continue;
                last = now / number;
                work(thread);
                const uint64_t left = state.fetch_sub(1) - 1;
                if (!(left & open) && !(left & inside) && caller_sleeps.load()) {
                    pthread_mutex_lock(&mutex);
                    pthread_cond_signal(&done);
                    pthread_mutex_unlock(&mutex);
                }
                break;
            }
        }
    }

    void run(long chunks, Task new_task, void *new_context) {
        task = new_task;
        context = new_context;
        for (int i = 0; i < threads; i++) {
            stretches[i].next.store(chunks * i / threads, std::memory_order_relaxed);
            stretches[i].end = chunks * (i + 1) / threads;
        }
        const uint64_t mine = state.load(std::memory_order_relaxed) / number + 1;
        state.store(mine * number + open);
        if (sleepers.load() > 0) {
            pthread_mutex_lock(&mutex);
            pthread_cond_broadcast(&wake);
            pthread_mutex_unlock(&mutex);
        }
        work(0);
        state.fetch_and(~open);
        for (int i = 0; i < spin_rounds && (state.load(std::memory_order_acquire) & inside); i++) relax();
        if (state.load(std::memory_order_acquire) & inside) {
            pthread_mutex_lock(&mutex);
            caller_sleeps.store(true);
            while (state.load() & inside) pthread_cond_wait(&done, &mutex);
            caller_sleeps.store(false);
            pthread_mutex_unlock(&mutex);
        }
    }
};

namespace {

struct Start {
    PoolState *state;
    int thread;
};

void *enter(void *argument) {
    Start start = *static_cast<Start *>(argument);
    free(argument);
    start.state->help(start.thread);
    return nullptr;
}

#if defined(__x86_64__)
/// Whether the processor has AMX for bfloat16 and the system lets this process use it.
bool has_matrix_unit() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool tiles = d >> 24 & 1, bfloat16_tiles = d >> 22 & 1;
    if (!tiles || !bfloat16_tiles || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;
#if defined(__linux__)
    // Linux gives the registers' eight kilobytes only to who asks (arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
    static const bool permitted = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
    return permitted;
#else
    return false;
#endif
}
#endif

bool machine_has(RainISA isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == RAIN_ISA_AVX2) return avx2;
    if (isa == RAIN_ISA_AVX512) {
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw");
    }
    if (isa == RAIN_ISA_AMX) return machine_has(RAIN_ISA_AVX512) && has_matrix_unit();
#elif defined(__aarch64__)
    if (isa == RAIN_ISA_NEON) return true;
#endif
    return isa == RAIN_ISA_GENERIC || isa == RAIN_ISA_PLAIN;
}

RainISA automatic() {
    if (const char *wish = getenv("RAIN_ISA")) {
        if (!strcmp(wish, "generic")) return RAIN_ISA_GENERIC;
        if (!strcmp(wish, "avx2")) return RAIN_ISA_AVX2;
        if (!strcmp(wish, "avx512")) return RAIN_ISA_AVX512;
        if (!strcmp(wish, "amx")) return RAIN_ISA_AMX;
        if (!strcmp(wish, "neon")) return RAIN_ISA_NEON;
        if (!strcmp(wish, "plain")) return RAIN_ISA_PLAIN;
    }
    return rain_best_isa();
}

const Table *table_of(RainISA isa) {
    switch (isa) {
#if defined(__x86_64__)
        case RAIN_ISA_AMX: return &amx::table;
        case RAIN_ISA_AVX512: return &avx512::table;
        case RAIN_ISA_AVX2: return &avx2::table;
#elif defined(__aarch64__)
        case RAIN_ISA_NEON: return &neon::table;
#endif
        case RAIN_ISA_PLAIN: return &plain::table;
        default: return &generic::table;
    }
}

/// Bytes of a processor's second-level cache, within what machines have; half a megabyte where the system does not say.
size_t second_level_cache() {
    long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    if (bytes <= 0) return 512 << 10;
    return bytes < 256 << 10 ? 256 << 10 : bytes > 4 << 20 ? 4 << 20 : bytes;
}

}  // namespace

void run_chunks(RainPool *pool, long chunks, Task task, void *context) { pool->state->run(chunks, task, context); }

void *thread_buffer() {
    alignas(64) static thread_local unsigned char buffer[thread_buffer_bytes];
    return buffer;
}

}  // namespace rain

using namespace rain;

bool rain_machine_has(RainISA isa) { return isa == RAIN_ISA_AUTO || machine_has(isa); }

RainISA rain_best_isa(void) {
    constexpr RainISA best_first[] = {RAIN_ISA_AMX, RAIN_ISA_AVX512, RAIN_ISA_AVX2, RAIN_ISA_NEON};
    for (const RainISA isa : best_first) {
        if (machine_has(isa)) return isa;
    }
    return RAIN_ISA_GENERIC;
}

RainPool *rain_pool_create(int threads, RainISA isa) {
    if (isa == RAIN_ISA_AUTO) isa = automatic();
    if (threads < 1 || threads > 1024 || !machine_has(isa)) return nullptr;
    auto *state = new (std::align_val_t(64), std::nothrow) PoolState;
    auto *stretches = new (std::align_val_t(64), std::nothrow) Stretch[threads];
    auto *handles = static_cast<pthread_t *>(calloc(threads, sizeof(pthread_t)));
    auto *pool = static_cast<RainPool *>(malloc(sizeof(RainPool)));
    if (!state || !stretches || !handles || !pool) {
        ::operator delete(state, std::align_val_t(64));
        ::operator delete[](stretches, std::align_val_t(64));
        free(handles);
        free(pool);
        return nullptr;
    }
    state->threads = threads;
    state->stretches = stretches;
    state->handles = handles;
    *pool = {table_of(isa), isa, threads, second_level_cache(), state};
    for (int i = 1; i < threads; i++) {
        auto *start = static_cast<Start *>(malloc(sizeof(Start)));
        if (start) *start = {state, i};
        if (!start || pthread_create(&handles[i], nullptr, enter, start) != 0) {
            free(start);
            rain_pool_destroy(pool);
            return nullptr;
        }
        state->started = i;
    }
    return pool;
}

void rain_pool_destroy(RainPool *pool) {
    if (!pool) return;
    PoolState *state = pool->state;
    pthread_mutex_lock(&state->mutex);
    state->stop.store(true);
    pthread_cond_broadcast(&state->wake);
    pthread_mutex_unlock(&state->mutex);
    for (int i = 1; i <= state->started; i++) pthread_join(state->handles[i], nullptr);
    ::operator delete[](state->stretches, std::align_val_t(64));
    free(state->handles);
    state->~PoolState();
    ::operator delete(state, std::align_val_t(64));
    free(pool);
}

int rain_pool_threads(const RainPool *pool) { return pool->threads; }
RainISA rain_pool_isa(const RainPool *pool) { return pool->isa; }
