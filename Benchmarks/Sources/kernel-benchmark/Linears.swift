import COpenBLAS
import CPUKernels

/// Linear layers of the published size (16 frames at 256×256) and of rain-mini against OpenBLAS and PyTorch, and against the
/// multiply-adds the machine does on registers alone, measured beside each.
func linears(_ bench: Bench) {
    openblas_set_num_threads(Int32(bench.clock.threads))
    let shapes = [
        (16384, 320, 320), (16384, 2560, 320), (16384, 320, 1280), (4096, 640, 640), (4096, 5120, 640), (4096, 640, 2560),
        (1024, 1280, 1280), (1024, 10240, 1280), (1024, 1280, 5120), (4096, 64, 64), (4096, 512, 64), (4096, 64, 256),
        (1024, 96, 96), (256, 128, 128),
    ]
    print("| linear layer, rows × inputs → outputs, GFLOP/s | OpenBLAS | PyTorch | Rain | to OpenBLAS | to PyTorch | of the peak |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    var (ratios, shares): ([Double], [Double]) = ([], [])
    for (m, n, k) in shapes {
        let (x, w, bias, y) = (Tensor(m * k), Tensor(n * k), Tensor(n), Tensor(m * n))
        let packed = Tensor(bytes: rain_linear_packed_bytes(bench.pool, n, k, 0))
        rain_linear_pack(bench.pool, w.floats, n, k, 0, 0, packed.raw)
        var after = RainEpilogue()
        after.bias = UnsafePointer(bias.floats)
        let gigaflops = 2e-9 * Double(m * n * k)
        var (blas, torch, ours, peak): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for round in 0...bench.rounds {
            let blasTime = bench.clock.best(seconds: 0.05) {
                for row in 0..<m { (y.floats + row * n).update(from: bias.floats, count: n) }
                cblas_sgemm(
                    CblasRowMajor, CblasNoTrans, CblasTrans, Int32(m), Int32(n), Int32(k), 1, x.floats, Int32(k), w.floats, Int32(k), 1,
                    y.floats, Int32(n))
            }
            let time = bench.clock.best(seconds: 0.05) { rain_linear(bench.pool, m, n, k, x.floats, packed.raw, &after, y.floats) }
            let limit = bench.peak()
            let torchTime = bench.peer?.time("linear", m, n, k)
            guard round > 0 else { continue }
            blas.append(gigaflops / blasTime)
            ours.append(gigaflops / time)
            peak.append(limit)
            if let torchTime { torch.append(gigaflops / torchTime) }
        }
        let share = median(zip(ours, peak).map { $0 / $1 })
        let toTorch = torch.isEmpty ? nil : median(zip(ours, torch).map { $0 / $1 })
        if let toTorch { ratios.append(toTorch) }
        if m * n * k > 1 << 30 { shares.append(share) }
        print(
            "| \(m) × \(k) → \(n) | \(number(median(blas), 0)) | \(torch.isEmpty ? "" : number(median(torch), 0)) |"
                + " \(number(median(ours), 0)) | \(number(median(zip(ours, blas).map { $0 / $1 }))) | \(toTorch.map { number($0) } ?? "") |"
                + " \(number(share * 100, 0)) % |")
        _ = (x.count, w.count, bias.count, y.count, packed.count)
    }
    print(
        "\nTo PyTorch: geometric mean \(number(geometricMean(ratios))). Bar: 1.3. Share of the peak above 10⁹ multiply-adds: lowest"
            + " \(number((shares.min() ?? 0) * 100, 0)) %, mean \(number(geometricMean(shares) * 100, 0)) %. Bar: 85 %.")
}

/// Linear layers whose values are gated, against PyTorch and against our own two operations one after the other.
func gatedLinears(_ bench: Bench) {
    print("| with GEGLU, rows × inputs → outputs | PyTorch, ms | apart, ms | Rain, ms | to PyTorch | to apart |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    var (toTorch, toTwo): ([Double], [Double]) = ([], [])
    for (m, n, k) in [(16384, 1280, 320), (4096, 2560, 640), (1024, 5120, 1280), (4096, 256, 64), (1024, 384, 96), (256, 512, 128)] {
        let (x, w, bias, between, y) = (Tensor(m * k), Tensor(2 * n * k), Tensor(2 * n), Tensor(2 * m * n), Tensor(m * n))
        let packed = [Int32(0), 1].map { gated in
            let packed = Tensor(bytes: rain_linear_packed_bytes(bench.pool, 2 * n, k, gated))
            rain_linear_pack(bench.pool, w.floats, 2 * n, k, 0, gated, packed.raw)
            return packed
        }
        var after = RainEpilogue()
        after.bias = UnsafePointer(bias.floats)
        var gates = after
        gates.gated = 1
        var (torch, two, ours): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0...bench.rounds {
            let twoTime = bench.clock.best(seconds: 0.05) {
                rain_linear(bench.pool, m, 2 * n, k, x.floats, packed[0].raw, &after, between.floats)
                rain_geglu(bench.pool, m, n, between.floats, y.floats)
            }
            let time = bench.clock.best(seconds: 0.05) {
                rain_linear(bench.pool, m, 2 * n, k, x.floats, packed[1].raw, &gates, y.floats)
            }
            let torchTime = bench.peer?.time("gated", m, n, k)
            guard round > 0 else { continue }
            two.append(twoTime)
            ours.append(time)
            if let torchTime { torch.append(torchTime) }
        }
        let ratio = torch.isEmpty ? nil : median(zip(torch, ours).map { $0 / $1 })
        if let ratio { toTorch.append(ratio) }
        toTwo.append(median(zip(two, ours).map { $0 / $1 }))
        print(
            "| \(m) × \(k) → \(n) | \(torch.isEmpty ? "" : number(median(torch) * 1e3, 3)) | \(number(median(two) * 1e3, 3)) |"
                + " \(number(median(ours) * 1e3, 3)) | \(ratio.map { number($0) } ?? "") | \(number(toTwo[toTwo.count - 1])) |")
        _ = (x.count, w.count, bias.count, between.count, y.count, packed.map(\.count))
    }
    print("\nGeometric means: to PyTorch \(number(geometricMean(toTorch))), to the two operations \(number(geometricMean(toTwo))).")
}
