import CMachine
import CPUKernels

/// Group norm with SiLU, layer norm and GEGLU against PyTorch, and against merely reading and writing as many tensors in a loop.
func pointwise(_ bench: Bench) {
    print("| operation | PyTorch, ms | Rain, ms | ratio | memory alone, ms | share of it | GB/s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    var (ratios, shares): ([Double], [Double]) = ([], [])

    /// `reads` tensors of `count` numbers in, one out.
    func row(_ name: String, reads: Int, count: Int, peer: () -> Double?, run: () -> Void) {
        let (a, b, y) = (Tensor(count), Tensor(reads > 1 ? count : 1), Tensor(count))
        var (torch, ours, floors): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0...bench.rounds {
            let peerTime = peer()
            let time = bench.clock.best(seconds: 0.04, run)
            let floor = bench.clock.best(seconds: 0.04) {
                if bench.clock.threads == 1, reads > 1 {
                    machine_stream(a.floats, b.floats, y.floats, count)
                } else if reads > 1 {
                    rain_binary(bench.pool, RAIN_BINARY_MULTIPLY, 1, [count], a.floats, [1], b.floats, [1], y.floats)
                } else {
                    rain_affine(bench.pool, count, 1, 0, a.floats, y.floats)
                }
            }
            guard round > 0 else { continue }
            if let peerTime { torch.append(peerTime) }
            ours.append(time)
            floors.append(floor)
        }
        let ratio = torch.isEmpty ? nil : median(zip(torch, ours).map { $0 / $1 })
        let share = median(zip(floors, ours).map { $0 / $1 })
        if let ratio { ratios.append(ratio) }
        shares.append(share)
        print(
            "| \(name) | \(torch.isEmpty ? "" : number(median(torch) * 1e3, 3)) | \(number(median(ours) * 1e3, 3)) |"
                + " \(ratio.map { number($0) } ?? "") | \(number(median(floors) * 1e3, 3)) | \(number(share * 100, 0)) % |"
                + " \(number(Double((reads + 1) * count) * 4e-9 / median(ours), 1)) |")
    }

    for (samples, positions, channels, groups) in [
        (16, 1024, 320, 32), (16, 1024, 960, 32), (16, 256, 640, 32), (16, 64, 1280, 32), (16, 256, 64, 8), (16, 64, 96, 8),
    ] {
        let count = samples * positions * channels
        let (x, y, g, b) = (Tensor(count), Tensor(count), Tensor(channels), Tensor(channels))
        let scratch = Tensor(bytes: rain_group_norm_scratch_bytes(bench.pool, samples, positions, channels, groups))
        row("group norm + SiLU, \(samples) × \(positions) × \(channels), \(groups)", reads: 1, count: count) {
            bench.peer?.time("group_norm", samples, positions, channels, groups)
        } run: {
            rain_group_norm(
                bench.pool, samples, positions, channels, groups, 1e-5, RAIN_ACT_SILU, x.floats, g.floats, b.floats, y.floats, scratch.raw)
        }
        _ = (x.count, y.count, g.count, b.count, scratch.count)
    }
    for (rows, channels) in [(16384, 320), (4096, 640), (1024, 1280), (4096, 64), (1024, 96)] {
        let (x, y, g, b) = (Tensor(rows * channels), Tensor(rows * channels), Tensor(channels), Tensor(channels))
        row("layer norm, \(rows) × \(channels)", reads: 1, count: rows * channels) {
            bench.peer?.time("layer_norm", rows, channels)
        } run: {
            rain_layer_norm(bench.pool, rows, channels, 1e-5, x.floats, g.floats, b.floats, y.floats)
        }
        _ = (x.count, y.count, g.count, b.count)
    }
    for (rows, channels) in [(16384, 1280), (4096, 2560), (1024, 5120), (4096, 256), (1024, 384)] {
        let (x, y) = (Tensor(2 * rows * channels), Tensor(rows * channels))
        row("GEGLU, \(rows) × \(channels)", reads: 2, count: rows * channels) {
            bench.peer?.time("geglu", rows, channels)
        } run: {
            rain_geglu(bench.pool, rows, channels, x.floats, y.floats)
        }
        _ = (x.count, y.count)
    }
    print(
        "\nTo PyTorch: geometric mean \(number(geometricMean(ratios))). Share of memory's speed: geometric mean"
            + " \(number(geometricMean(shares) * 100, 0)) %, lowest \(number((shares.min() ?? 0) * 100, 0)) %.")
}
