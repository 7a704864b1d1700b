import CPUKernels
import COneDNN

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

/// 3×3 convolutions of Stable Diffusion's and rain-mini's sizes against oneDNN's direct one.
func convolutionsAgainstOneDNN(_ pool: OpaquePointer, _ clock: Clock, rounds: Int) {
    peer_set_threads(Int32(clock.threads))
    let shapes = [
        RainConv(1, 320, 64, 320), RainConv(16, 320, 32, 320), RainConv(4, 640, 32, 640), RainConv(16, 640, 16, 640),
        RainConv(16, 1280, 8, 1280), RainConv(4, 64, 64, 64), RainConv(16, 64, 16, 64), RainConv(16, 96, 16, 96),
        RainConv(16, 192, 8, 192), RainConv(4, 64, 128, 64),
    ]
    print("| 3×3 convolution, n×c×h×w → o | oneDNN direct, ms | GFLOP/s | Rain, ms | GFLOP/s (effective) | ratio | largest difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
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
        let algorithm = rain_conv_choose(pool, &conv)
        let packed = Tensor(bytes: rain_conv_packed_bytes(pool, &conv, algorithm))
        let scratch = Tensor(bytes: rain_conv_scratch_bytes(pool, &conv, algorithm))
        rain_conv_pack(pool, &conv, algorithm, w.floats, packed.raw)
        var after = RainEpilogue()
        after.bias = UnsafePointer(bias.floats)
        var (peerTimes, times): ([Double], [Double]) = ([], [])
        for round in 0...rounds {
            let peerTime = clock.time { peer_convolution_run(peer) }
            let time = clock.time { rain_conv(pool, &conv, algorithm, x.floats, packed.raw, &after, y.floats, scratch.raw) }
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
                + " \(difference / largest) |")
        _ = (x.count, w.count, packed.count, scratch.count, bias.count)
    }
    print("\nLowest ratio \(number(ratios.min() ?? 0)), median \(number(median(ratios))). Bar: 1.8.")
}

/// Forward, input gradient and weight gradient at the sizes rain-mini trains at.
func trainingConvolutions(_ pool: OpaquePointer, _ clock: Clock) {
    let shapes = [
        RainConv(16, 64, 16, 64), RainConv(16, 128, 16, 64), RainConv(16, 96, 8, 96), RainConv(16, 192, 8, 96), RainConv(16, 128, 4, 128),
        RainConv(16, 256, 4, 128), RainConv(16, 12, 16, 64), RainConv(16, 64, 16, 12), RainConv(16, 64, 16, 64, stride: 2),
        RainConv(8, 96, 16, 96), RainConv(8, 48, 32, 48), RainConv(8, 16, 64, 16), RainConv(8, 16, 64, 12), RainConv(16, 32, 32, 32),
        RainConv(8, 48, 32, 64, kernel: 2, stride: 2), RainConv(8, 3, 128, 12, kernel: 8, stride: 8),
    ]
    print("| convolution | kernel, stride | algorithm | forward | input gradient | weight gradient | packing, ms |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    for shape in shapes {
        var conv = shape
        let algorithm = rain_conv_choose(pool, &conv)
        let (x, y, w, dx, dw) = (
            Tensor(conv.inputs), Tensor(conv.outputs), Tensor(conv.weights), Tensor(conv.inputs), Tensor(conv.weights)
        )
        let packed = Tensor(bytes: rain_conv_packed_bytes(pool, &conv, algorithm))
        let scratch = Tensor(bytes: rain_conv_scratch_bytes(pool, &conv, algorithm))
        let packedSlopes = Tensor(bytes: rain_conv_input_gradient_packed_bytes(pool, &conv, algorithm))
        let inputScratch = Tensor(bytes: rain_conv_input_gradient_scratch_bytes(pool, &conv, algorithm))
        let weightScratch = Tensor(bytes: rain_conv_weight_gradient_scratch_bytes(pool, &conv, algorithm))
        let packing = clock.best {
            rain_conv_pack(pool, &conv, algorithm, w.floats, packed.raw)
            rain_conv_input_gradient_pack(pool, &conv, algorithm, w.floats, packedSlopes.raw)
        }
        let forward = clock.best { rain_conv(pool, &conv, algorithm, x.floats, packed.raw, nil, y.floats, scratch.raw) }
        let input = clock.best {
            rain_conv_input_gradient(pool, &conv, algorithm, y.floats, packedSlopes.raw, dx.floats, inputScratch.raw)
        }
        let weight = clock.best {
            rain_conv_weight_gradient(pool, &conv, algorithm, x.floats, y.floats, dw.floats, weightScratch.raw)
        }
        func rate(_ seconds: Double) -> String { "\(number(conv.gigaflops / seconds, 0)) (\(number(seconds * 1e3)) ms)" }
        print(
            "| \(conv.name) | \(conv.kernel_height)×\(conv.kernel_width), \(conv.stride) |"
                + " \(algorithm == RAIN_CONV_WINOGRAD ? "Winograd" : "direct") | \(rate(forward)) | \(rate(input)) | \(rate(weight)) |"
                + " \(number(packing * 1e3, 3)) |")
        _ = (x.count, dx.count, dw.count, packed.count, scratch.count, packedSlopes.count, inputScratch.count, weightScratch.count)
    }
    print("\nGFLOP/s of the plain definition (Winograd needs a quarter of its multiplications).")
}
