import CPUKernels
@preconcurrency import Glibc

let usage = """
    usage: kernel-benchmark [convolution] [cold] [linear] [gated] [spatial] [temporal] [pointwise] [training]
                            [--isa avx2|avx512|amx] [--threads N] [--rounds N] [--peers DIR]

    convolution  3×3 convolutions against oneDNN's direct one
    cold         the same with weights that are in no cache
    linear       linear layers against OpenBLAS and PyTorch
    gated        linear layers with GEGLU behind them against PyTorch, and against the two operations one after the other
    spatial      attention over positions against PyTorch
    temporal     attention over 16 frames against PyTorch
    pointwise    group norm with SiLU, layer norm and GEGLU against PyTorch
    training     throughput of forward and gradients at rain-mini's sizes, without peers

    --isa        instruction set of both sides; otherwise each takes the best it finds
    PyTorch is python3's, or that of the interpreter $PYTHON names.

    Both sides run in turn in one process; times are medians, ratios are medians of the rounds' ratios. With one thread (the
    default) processor time is measured, which a busy machine does not change; with more, the wall clock.
    """

let names: Set = ["convolution", "cold", "linear", "gated", "spatial", "temporal", "pointwise", "training"]
let usingTorch: Set = ["linear", "gated", "spatial", "temporal", "pointwise"]
var (threads, rounds, peers): (Int, Int, String) = (1, 7, "peers")
var set: String?
var wanted: Set<String> = []
var arguments = Array(CommandLine.arguments.dropFirst())
func fail() -> Never {
    fputs(usage + "\n", stderr)
    exit(2)
}
while !arguments.isEmpty {
    let argument = arguments.removeFirst()
    switch argument {
    case _ where names.contains(argument): wanted.insert(argument)
    case "--threads", "--rounds", "--peers", "--isa":
        guard !arguments.isEmpty else { fail() }
        let value = arguments.removeFirst()
        if argument == "--peers" {
            peers = value
        } else if argument == "--isa" {
            guard ["avx2", "avx512", "amx"].contains(value) else { fail() }
            set = value
        } else {
            guard let count = Int(value), (1...1000).contains(count) else { fail() }
            if argument == "--threads" { threads = count } else { rounds = count }
        }
    default: fail()
    }
}
if wanted.isEmpty { wanted = names }
if let set, getenv("RAIN_ISA").map({ String(cString: $0) }) != set {
    // Libraries read these when they are loaded, so the process starts anew with them.
    let wide = set != "avx2"
    let neural = wide ? (set == "amx" ? "AVX512_CORE_AMX" : "AVX512_CORE") : "AVX2"
    for (name, value) in [
        ("RAIN_ISA", set), ("ONEDNN_MAX_CPU_ISA", neural), ("DNNL_MAX_CPU_ISA", neural),
        ("ATEN_CPU_CAPABILITY", wide ? "avx512" : "avx2"), ("MKL_ENABLE_INSTRUCTIONS", wide ? "AVX512" : "AVX2"),
        ("OPENBLAS_CORETYPE", wide ? "SkylakeX" : "Haswell"),
    ] { setenv(name, value, 1) }
    var again: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &again)
    fputs("cannot start anew with another instruction set\n", stderr)
    exit(1)
}
guard let pool = rain_pool_create(Int32(threads), RAIN_ISA_AUTO) else {
    fputs("no pool of \(threads) threads, or this machine lacks \(set ?? "its instruction set")\n", stderr)
    exit(1)
}
setvbuf(stdout, nil, _IOLBF, 0)
let peer = wanted.isDisjoint(with: usingTorch) ? nil : TorchPeer(script: peers + "/torch_peer.py", threads: threads)
let bench = Bench(pool: pool, clock: Clock(threads: threads), rounds: rounds, peer: peer)
let sets = ["", "128-bit vectors", "AVX2", "AVX-512", "AMX", "NEON", "plain"]
print(
    "Rain's kernels: \(sets[Int(rain_pool_isa(pool).rawValue)]), \(threads) thread\(threads == 1 ? "" : "s"); multiply-adds on registers"
        + " alone: \(number(bench.peak(), 0)) GFLOP/s")
if peer == nil, !wanted.isDisjoint(with: usingTorch) {
    print("PyTorch does not answer: is `torch` installed for python3 (or $PYTHON)? It is not compared.")
}
let benchmarks: [(String, (Bench) -> Void)] = [
    ("convolution", { convolutionsAgainstOneDNN($0, cold: false) }), ("cold", { convolutionsAgainstOneDNN($0, cold: true) }),
    ("linear", linears), ("gated", gatedLinears), ("spatial", spatialAgainstTorch),
    ("temporal", temporalAgainstTorch), ("pointwise", pointwise),
    (
        "training",
        {
            trainingConvolutions($0.pool, $0.clock)
            print()
            trainingRest($0.pool, $0.clock)
        }
    ),
]
for (name, run) in benchmarks where wanted.contains(name) {
    print()
    run(bench)
}
rain_pool_destroy(pool)
