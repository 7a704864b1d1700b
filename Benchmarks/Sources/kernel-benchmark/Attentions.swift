import CPUKernels
import Glibc

/// `Benchmarks/peers/temporal.py` as a child process: one line with a shape in, one line with seconds out.
final class TorchPeer {
    private let toChild: UnsafeMutablePointer<FILE>
    private let fromChild: UnsafeMutablePointer<FILE>
    private let process: pid_t

    /// - Parameter script: path of the Python script
    init?(script: String, threads: Int) {
        var (input, output): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&input) == 0, pipe(&output) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_addclose(&actions, input[1])
        posix_spawn_file_actions_addclose(&actions, output[0])
        let python = getenv("PYTHON").map { String(cString: $0) } ?? "python3"
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(python), strdup(script), strdup("\(threads)"), nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, python, &actions, nil, &arguments, environ) == 0 else { return nil }
        close(input[0])
        close(output[1])
        guard let toChild = fdopen(input[1], "w"), let fromChild = fdopen(output[0], "r") else { return nil }
        (self.toChild, self.fromChild, self.process) = (toChild, fromChild, process)
        signal(SIGPIPE, SIG_IGN)
        guard ask("hello") == "ready" else { return nil }
    }

    deinit {
        fclose(toChild)
        fclose(fromChild)
        waitpid(process, nil, 0)
    }

    func ask(_ line: String) -> String? {
        fputs(line + "\n", toChild)
        fflush(toChild)
        var answer = [CChar](repeating: 0, count: 256)
        guard fgets(&answer, 256, fromChild) != nil else { return nil }
        return String(decoding: answer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Attention over 16 frames at each position, as motion modules do, against PyTorch's scaled_dot_product_attention on the
/// same memory layout; and the time that merely reading q, k, v and writing y takes, below which neither can go.
func temporalAgainstTorch(_ pool: OpaquePointer, _ clock: Clock, script: String, rounds: Int) {
    guard let peer = TorchPeer(script: script, threads: clock.threads) else {
        print("PyTorch does not answer: is `torch` installed for python3 (or $PYTHON)? Temporal attention is not compared.")
        return
    }
    print(
        "| temporal attention, frames × positions × channels, heads | PyTorch, ms | GFLOP/s | Rain, ms | GFLOP/s | ratio |"
            + " memory alone, ms | ratio at most |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    var ratios: [Double] = []
    for (frames, positions, channels, heads) in [
        (16, 1024, 320, 8), (16, 256, 640, 8), (16, 64, 1280, 8), (16, 256, 64, 2), (16, 64, 96, 3), (16, 16, 128, 4),
    ] {
        var geometry = RainTemporalAttention(
            batch: 1, frames: frames, positions: positions, channels: channels, heads: heads,
            scale: 1 / Float(channels / heads).squareRoot())
        let count = frames * positions * channels
        let (q, k, v, y) = (Tensor(count), Tensor(count), Tensor(count), Tensor(count))
        let gigaflops = 4e-9 * Double(frames * frames * positions * channels)
        var (peerTimes, times, floors): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0...rounds {
            guard let answer = peer.ask("\(frames) \(positions) \(channels) \(heads)"), let peerTime = Double(answer) else {
                print("PyTorch stopped answering")
                return
            }
            let time = clock.best(seconds: 0.05) {
                rain_temporal_attention(pool, &geometry, q.floats, k.floats, v.floats, y.floats)
            }
            let floor = clock.best(seconds: 0.05) { stream(q, k, v, to: y) }
            if round > 0 {
                peerTimes.append(peerTime)
                times.append(time)
                floors.append(floor)
            }
        }
        let ratio = median(zip(peerTimes, times).map { $0 / $1 })
        ratios.append(ratio)
        print(
            "| \(frames) × \(positions) × \(channels), \(heads) | \(number(median(peerTimes) * 1e3)) |"
                + " \(number(gigaflops / median(peerTimes), 1)) | \(number(median(times) * 1e3)) |"
                + " \(number(gigaflops / median(times), 1)) | \(number(ratio)) | \(number(median(floors) * 1e3)) |"
                + " \(number(median(peerTimes) / median(floors))) |")
        _ = (q.count, k.count, v.count, y.count)
    }
    print("\nLowest ratio \(number(ratios.min() ?? 0)), median \(number(median(ratios))). Bar: 4.")
}

/// y = q + k · v, in one thread: as little as can be done with the same tensors.
private func stream(_ q: Tensor, _ k: Tensor, _ v: Tensor, to y: Tensor) {
    let width = MemoryLayout<SIMD16<Float>>.size
    for at in stride(from: 0, to: y.count * 4 / width * width, by: width) {
        let product = k.raw.load(fromByteOffset: at, as: SIMD16<Float>.self) * v.raw.load(fromByteOffset: at, as: SIMD16<Float>.self)
        y.raw.storeBytes(of: q.raw.load(fromByteOffset: at, as: SIMD16<Float>.self) + product, toByteOffset: at, as: SIMD16<Float>.self)
    }
}

/// Spatial and temporal attention with gradients, norms and elementwise functions at rain-mini's sizes.
func trainingRest(_ pool: OpaquePointer, _ clock: Clock) {
    print("| attention, samples × queries × keys + reference, channels, heads | forward | gradient |")
    print("| --- | ---: | ---: |")
    for (batch, tokens, channels, heads) in [(16, 256, 64, 2), (16, 64, 96, 3), (16, 16, 128, 4)] {
        var a = RainAttention(
            batch: batch, queries: tokens, keys: tokens, channels: channels, heads: heads, reference_batch: batch,
            reference_keys: tokens, scale: 0.2, q_stride: 0, k_stride: 0, v_stride: 0)
        let t = (0..<11).map { _ in Tensor(batch * tokens * channels) }
        let scratch = Tensor(bytes: max(rain_attention_scratch_bytes(pool, &a), rain_attention_gradient_scratch_bytes(pool, &a)))
        let gigaflops = 8e-9 * Double(batch * tokens * tokens * channels)
        let forward = clock.best {
            rain_attention(pool, &a, t[0].floats, t[1].floats, t[2].floats, t[3].floats, t[4].floats, t[5].floats, scratch.raw)
        }
        let gradient = clock.best {
            rain_attention_gradient(
                pool, &a, t[0].floats, t[1].floats, t[2].floats, t[3].floats, t[4].floats, t[5].floats, t[6].floats, t[7].floats,
                t[8].floats, t[9].floats, t[10].floats, scratch.raw)
        }
        print(
            "| \(batch) × \(tokens) × \(tokens) + \(tokens), \(channels), \(heads) |"
                + " \(number(gigaflops / forward, 0)) (\(number(forward * 1e3)) ms) |"
                + " \(number(2.5 * gigaflops / gradient, 0)) (\(number(gradient * 1e3)) ms) |")
        _ = (t.count, scratch.count)
    }
    print("\n| group norm + SiLU, layer norm: samples × positions × channels | group, ns per number | gradient | layer | gradient |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for (samples, positions, channels) in [(16, 256, 64), (16, 64, 96), (16, 16, 128), (8, 4096, 16)] {
        let count = samples * positions * channels
        let (x, y, dx) = (Tensor(count), Tensor(count), Tensor(count))
        let (g, b, dg, db) = (Tensor(channels), Tensor(channels), Tensor(channels), Tensor(channels))
        let scratch = Tensor(
            bytes: max(
                rain_group_norm_gradient_scratch_bytes(pool, samples, positions, channels, 8),
                rain_layer_norm_gradient_scratch_bytes(pool, samples * positions, channels)))
        let times = [
            clock.best {
                rain_group_norm(
                    pool, samples, positions, channels, 8, 1e-5, RAIN_ACT_SILU, x.floats, g.floats, b.floats, y.floats, scratch.raw)
            },
            clock.best {
                rain_group_norm_gradient(
                    pool, samples, positions, channels, 8, 1e-5, RAIN_ACT_SILU, x.floats, g.floats, b.floats, y.floats, dx.floats,
                    dg.floats, db.floats, scratch.raw)
            },
            clock.best { rain_layer_norm(pool, samples * positions, channels, 1e-5, x.floats, g.floats, b.floats, y.floats) },
            clock.best {
                rain_layer_norm_gradient(
                    pool, samples * positions, channels, 1e-5, x.floats, g.floats, y.floats, dx.floats, dg.floats, db.floats,
                    scratch.raw)
            },
        ].map { number($0 / Double(count) * 1e9, 3) }
        print("| \(samples) × \(positions) × \(channels) | \(times.joined(separator: " | ")) |")
        _ = (x.count, y.count, dx.count, g.count, b.count, dg.count, db.count, scratch.count)
    }
}
