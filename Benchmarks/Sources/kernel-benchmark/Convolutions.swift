import CMachine
import COneDNN
import CPUKernels

extension RainConv {
    /// 3×3 (padding 1) or any other kernel without padding.
    init(_ batch: Int, _ channels: Int, _ side: Int, _ out: Int, kernel: Int = 3, stride: Int = 1) {
        let pad = kernel == 3 ? 1 : 0
        let result = (side + 2 * pad - kernel) / stride + 1
        self.init(
            batch: batch, height: side, width: side, channels: channels, out_channels: out, kernel_height: kernel, kernel_width: kernel,
            stride: stride, pad_top: pad, pad_left: pad, pad_bottom: pad, pad_right: pad, out_height: result, out_width: result,
            upsample: 0)
    }

    var inputs: Int { batch * height * width * channels }
    var outputs: Int { batch * out_height * out_width * out_channels }
    var weights: Int { channels * out_channels * kernel_height * kernel_width }
    var gigaflops: Double { 2e-9 * Double(outputs) * Double(channels * kernel_height * kernel_width) }
    var name: String { "\(batch)×\(channels)×\(height)×\(width) → \(out_channels)" }
}

/// 3×3 convolutions of the published and rain-mini's sizes at 256×256, and some larger ones, against oneDNN's direct one.
///
/// - Parameter cold: both sides' weights are thrown out of the caches before every run, as in a step of a network whose weights
///   exceed the caches; all else stays where it is
func convolutionsAgainstOneDNN(_ bench: Bench, cold: Bool) {
    peer_set_threads(Int32(bench.clock.threads))
    let shapes = [
        RainConv(16, 320, 32, 320), RainConv(16, 640, 16, 640), RainConv(16, 1280, 8, 1280), RainConv(16, 2560, 8, 1280),
        RainConv(16, 1280, 4, 1280), RainConv(1, 320, 64, 320), RainConv(4, 640, 32, 640), RainConv(4, 64, 64, 64),
        RainConv(16, 64, 16, 64), RainConv(16, 96, 16, 96), RainConv(16, 192, 8, 192), RainConv(16, 128, 4, 128),
        RainConv(4, 64, 128, 64),
    ]
    print("3×3 convolution, weights \(cold ? "out of the caches" : "in the caches")\n")
    print("| n×c×h×w → o | oneDNN direct, ms | GFLOP/s | Rain, ms | GFLOP/s (effective) | ratio | packing, ms | largest difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    var ratios: [Double] = []
    for shape in shapes {
        var conv = shape
        let (x, w, bias) = (Tensor(conv.inputs), Tensor(conv.weights), Tensor(conv.out_channels))
        let (y, theirs) = (Tensor(conv.outputs), Tensor(conv.outputs))
        guard
            let peer = peer_convolution_create(
                conv.batch, conv.height, conv.width, conv.channels, conv.out_channels, x.floats, w.floats, bias.floats)
        else {
            print("oneDNN refuses \(conv.name)")
            continue
        }
        let algorithm = rain_conv_choose(bench.pool, &conv)
        let packedBytes = rain_conv_packed_bytes(bench.pool, &conv, algorithm)
        let packed = Tensor(bytes: packedBytes)
        let scratch = Tensor(bytes: rain_conv_scratch_bytes(bench.pool, &conv, algorithm))
        rain_conv_pack(bench.pool, &conv, algorithm, w.floats, packed.raw)
        let packing = bench.clock.time { rain_conv_pack(bench.pool, &conv, algorithm, w.floats, packed.raw) }
        var after = RainEpilogue()
        after.bias = UnsafePointer(bias.floats)
        var (peerTimes, times): ([Double], [Double]) = ([], [])
        for round in 0...bench.rounds {
            if cold {
                var bytes = 0
                let weights = peer_convolution_weights(peer, &bytes)
                machine_forget(weights, bytes)
            }
            let peerTime = bench.clock.time { peer_convolution_run(peer) }
            if cold { machine_forget(packed.raw, packedBytes) }
            let time = bench.clock.time { rain_conv(bench.pool, &conv, algorithm, x.floats, packed.raw, &after, y.floats, scratch.raw) }
            if round > 0 {
                peerTimes.append(peerTime)
                times.append(time)
            }
        }
        peer_convolution_result(peer, theirs.floats)
        peer_convolution_destroy(peer)
        var (largest, difference): (Float, Float) = (0, 0)
        for index in 0..<y.count {
            largest = max(largest, abs(theirs.floats[index]))
            difference = max(difference, abs(theirs.floats[index] - y.floats[index]))
        }
        let ratio = median(zip(peerTimes, times).map { $0 / $1 })
        ratios.append(ratio)
        print(
            "| \(conv.name) | \(number(median(peerTimes) * 1e3)) | \(number(conv.gigaflops / median(peerTimes), 0)) |"
                + " \(number(median(times) * 1e3)) | \(number(conv.gigaflops / median(times), 0)) | \(number(ratio)) |"
                + " \(number(packing * 1e3)) | \(difference / largest) |")
        _ = (x.count, w.count, packed.count, scratch.count, bias.count)
    }
    print("\nGeometric mean \(number(geometricMean(ratios))), lowest \(number(ratios.min() ?? 0)). Bar: 2.2 in the mean.")
}
