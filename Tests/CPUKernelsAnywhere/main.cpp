// Tries every kernel of every instruction set this machine has, or of those named, against its plain twin. Exit 1 if one disagrees.
//
// The Swift tests do the same and more where Swift runs; this program is for machines that only a C++ compiler and an emulator reach.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "Support.hpp"

namespace check {
const char *current_name();
}

namespace {

constexpr struct {
    RainISA isa;
    const char *name;
} sets[] = {
    {RAIN_ISA_GENERIC, "generic"}, {RAIN_ISA_AVX2, "avx2"}, {RAIN_ISA_AVX512, "avx512"}, {RAIN_ISA_AMX, "amx"}, {RAIN_ISA_NEON, "neon"}};

/// Reading or writing beyond a tensor ends here.
void fault(int) {
    const char *parts[] = {"kernels: ", check::current_name(), " touched memory outside its tensors\n"};
    for (const char *part : parts) {
        if (write(2, part, strlen(part)) < 0) break;
    }
    _exit(1);
}

bool run(RainISA isa, const char *name) {
    check::Set set = {isa, name, isa == RAIN_ISA_AMX ? 0x1p-17 : 0, rain_pool_create(1, RAIN_ISA_PLAIN), {}};
    for (int threads : {1, 2}) set.pools.push_back(rain_pool_create(threads, isa));
    if (!set.plain || !set.pools[0] || !set.pools[1]) {
        fprintf(stderr, "kernels: no pool of two threads for %s\n", name);
        return false;
    }
    check::check_linear(set);
    check::check_convolutions(set);
    check::check_attention(set);
    check::check_temporal_attention(set);
    check::check_norms(set);
    check::check_elementwise(set);
    check::check_structure(set);
    check::check_windows(set);
    for (RainPool *pool : set.pools) rain_pool_destroy(pool);
    rain_pool_destroy(set.plain);
    return check::report(set);
}

}  // namespace

int main(int count, char **arguments) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    signal(SIGSEGV, fault);
    signal(SIGBUS, fault);
    int ran = 0;
    bool good = true;
    for (const auto &set : sets) {
        bool wanted = count == 1;
        for (int i = 1; i < count; i++) wanted = wanted || !strcmp(arguments[i], set.name);
        if (!wanted || (count == 1 && !rain_machine_has(set.isa))) continue;
        good = run(set.isa, set.name) && good;
        ran++;
    }
    if (ran == 0 || (count > 1 && ran != count - 1)) {
        fprintf(stderr, "usage: kernels [generic] [avx2] [avx512] [amx] [neon]\n");
        return 2;
    }
    return good ? 0 : 1;
}
