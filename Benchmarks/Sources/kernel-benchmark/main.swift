import CPUKernels
@preconcurrency import Glibc

let usage = """
    usage: kernel-benchmark [convolution] [temporal] [training] [--threads N] [--rounds N] [--peers DIR]

    convolution  3×3 convolutions against oneDNN's direct one
    temporal     attention over 16 frames against PyTorch (python3 or $PYTHON, with torch)
    training     throughput of forward and gradients at rain-mini's sizes, without peers

    Both sides run in turn in one process; times are medians, ratios are medians of the rounds' ratios. With one thread (the
    default) processor time is measured, which a busy machine does not change; with more, the wall clock.
    """

var (threads, rounds, peers): (Int, Int, String) = (1, 7, "peers")
var wanted: Set<String> = []
var arguments = Array(CommandLine.arguments.dropFirst())
func fail() -> Never {
    fputs(usage + "\n", stderr)
    exit(2)
}
while !arguments.isEmpty {
    let argument = arguments.removeFirst()
    switch argument {
    case "convolution", "temporal", "training": wanted.insert(argument)
    case "--threads", "--rounds", "--peers":
        guard !arguments.isEmpty else { fail() }
        let value = arguments.removeFirst()
        if argument == "--peers" {
            peers = value
        } else {
            guard let count = Int(value), (1...1000).contains(count) else { fail() }
            if argument == "--threads" { threads = count } else { rounds = count }
        }
    default: fail()
    }
}
if wanted.isEmpty { wanted = ["convolution", "temporal", "training"] }
guard let pool = rain_pool_create(Int32(threads), RAIN_ISA_AUTO) else {
    fputs("no pool of \(threads) threads\n", stderr)
    exit(1)
}
setvbuf(stdout, nil, _IOLBF, 0)
let names = ["", "128-bit vectors", "AVX2", "AVX-512", "plain"]
print("Rain's kernels: \(names[Int(rain_pool_isa(pool).rawValue)]), \(threads) thread\(threads == 1 ? "" : "s")\n")
let clock = Clock(threads: threads)
if wanted.contains("convolution") {
    convolutionsAgainstOneDNN(pool, clock, rounds: rounds)
    print()
}
if wanted.contains("temporal") {
    temporalAgainstTorch(pool, clock, script: peers + "/temporal.py", rounds: rounds)
    print()
}
if wanted.contains("training") {
    trainingConvolutions(pool, clock)
    print()
    trainingRest(pool, clock)
}
rain_pool_destroy(pool)
