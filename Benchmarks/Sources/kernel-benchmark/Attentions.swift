import CPUKernels

/// Attention of every position of a frame to those of the frame and of the reference, against PyTorch's
/// scaled_dot_product_attention.
func spatialAgainstTorch(_ bench: Bench) {
    guard let peer = bench.peer else { return }
    print(
        "| spatial attention, frames × queries × own + reference's keys, channels, heads | PyTorch, ms | GFLOP/s | Rain, ms | GFLOP/s |"
            + " ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    var ratios: [Double] = []
    for (frames, tokens, channels, heads) in [
        (16, 1024, 320, 8), (16, 256, 640, 8), (16, 64, 1280, 8), (16, 16, 1280, 8), (16, 256, 64, 2), (16, 64, 96, 3), (16, 16, 128, 4),
    ] {
        var geometry = RainAttention(
            batch: frames, queries: tokens, keys: tokens, channels: channels, heads: heads, reference_batch: 1, reference_keys: tokens,
            scale: 1 / Float(channels / heads).squareRoot(), q_stride: 0, k_stride: 0, v_stride: 0)
        let own = (0..<4).map { _ in Tensor(frames * tokens * channels) }
        let reference = (0..<2).map { _ in Tensor(tokens * channels) }
        let scratch = Tensor(bytes: rain_attention_scratch_bytes(bench.pool, &geometry))
        let gigaflops = 8e-9 * Double(frames * tokens * tokens * channels)
        var (peerTimes, times): ([Double], [Double]) = ([], [])
        for round in 0...bench.rounds {
            guard let peerTime = peer.time("attention", frames, tokens, 2 * tokens, channels, heads) else {
                print("PyTorch stopped answering")
                return
            }
            let time = bench.clock.best(seconds: 0.05) {
                rain_attention(
                    bench.pool, &geometry, own[0].floats, own[1].floats, own[2].floats, reference[0].floats, reference[1].floats,
                    own[3].floats, scratch.raw)
            }
            guard round > 0 else { continue }
            peerTimes.append(peerTime)
            times.append(time)
        }
        let ratio = median(zip(peerTimes, times).map { $0 / $1 })
        ratios.append(ratio)
        print(
            "| \(frames) × \(tokens) × \(tokens) + \(tokens), \(channels), \(heads) | \(number(median(peerTimes) * 1e3)) |"
                + " \(number(gigaflops / median(peerTimes), 0)) | \(number(median(times) * 1e3)) |"
                + " \(number(gigaflops / median(times), 0)) | \(number(ratio)) |")
        _ = (own.count, reference.count, scratch.count)
    }
    print("\nGeometric mean \(number(geometricMean(ratios))), lowest \(number(ratios.min() ?? 0)). Bar: 1.2.")
}

/// Attention over 16 frames at each position, as motion modules do, against PyTorch's scaled_dot_product_attention on the
/// same memory layout, and against what the authors' network does between its linear layers; and the time that merely reading q, k, v
/// and writing y takes, below which nothing can go.
func temporalAgainstTorch(_ bench: Bench) {
    guard let peer = bench.peer else { return }
    print(
        "| temporal attention, frames × positions × channels, heads | PyTorch, ms | GFLOP/s | Rain, ms | GFLOP/s | ratio |"
            + " memory alone, ms | ratio at most | PyTorch as the authors, ms | GFLOP/s | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    var (ratios, authorsRatios): ([Double], [Double]) = ([], [])
    for (frames, positions, channels, heads) in [
        (16, 1024, 320, 8), (16, 256, 640, 8), (16, 64, 1280, 8), (16, 256, 64, 2), (16, 64, 96, 3), (16, 16, 128, 4),
    ] {
        var geometry = RainTemporalAttention(
            batch: 1, frames: frames, positions: positions, channels: channels, heads: heads,
            scale: 1 / Float(channels / heads).squareRoot())
        let count = frames * positions * channels
        let (q, k, v, y) = (Tensor(count), Tensor(count), Tensor(count), Tensor(count))
        let gigaflops = 4e-9 * Double(frames * frames * positions * channels)
        var (peerTimes, authorsTimes, times, floors): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for round in 0...bench.rounds {
            guard let peerTime = peer.time("temporal", frames, positions, channels, heads),
                let authorsTime = peer.time("temporal_authors", frames, positions, channels, heads)
            else {
                print("PyTorch stopped answering")
                return
            }
            let time = bench.clock.best(seconds: 0.05) {
                rain_temporal_attention(bench.pool, &geometry, q.floats, k.floats, v.floats, y.floats)
            }
            let floor = bench.clock.best(seconds: 0.05) { stream(q, k, v, to: y) }
            if round > 0 {
                peerTimes.append(peerTime)
                authorsTimes.append(authorsTime)
                times.append(time)
                floors.append(floor)
            }
        }
        let ratio = median(zip(peerTimes, times).map { $0 / $1 })
        ratios.append(ratio)
        let authorsRatio = median(zip(authorsTimes, times).map { $0 / $1 })
        authorsRatios.append(authorsRatio)
        print(
            "| \(frames) × \(positions) × \(channels), \(heads) | \(number(median(peerTimes) * 1e3)) |"
                + " \(number(gigaflops / median(peerTimes), 1)) | \(number(median(times) * 1e3)) |"
                + " \(number(gigaflops / median(times), 1)) | \(number(ratio)) | \(number(median(floors) * 1e3)) |"
                + " \(number(median(peerTimes) / median(floors))) | \(number(median(authorsTimes) * 1e3)) |"
                + " \(number(gigaflops / median(authorsTimes), 1)) | \(number(authorsRatio)) |")
        _ = (q.count, k.count, v.count, y.count)
    }
    print(
        "\nLowest ratio \(number(ratios.min() ?? 0)), median \(number(median(ratios))); to the authors' way lowest "
            + "\(number(authorsRatios.min() ?? 0)), median \(number(median(authorsRatios))). Bar: 5.")
}

/// y = q + k · v, in one thread: as little as can be done with the same tensors.
private func stream(_ q: Tensor, _ k: Tensor, _ v: Tensor, to y: Tensor) {
    let width = MemoryLayout<SIMD16<Float>>.size
    for at in stride(from: 0, to: y.count * 4 / width * width, by: width) {
        let product = k.raw.load(fromByteOffset: at, as: SIMD16<Float>.self) * v.raw.load(fromByteOffset: at, as: SIMD16<Float>.self)
        y.raw.storeBytes(of: q.raw.load(fromByteOffset: at, as: SIMD16<Float>.self) + product, toByteOffset: at, as: SIMD16<Float>.self)
    }
}
