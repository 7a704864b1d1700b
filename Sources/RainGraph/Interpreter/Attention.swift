#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Rows of softmax(scale · q · kᵀ).
private func probabilities(_ q: Matrix, _ k: Matrix, _ scale: Double) -> Matrix {
    var p = scale * (q * k.transposed)
    for row in 0..<p.rows {
        let range = row * p.columns..<(row + 1) * p.columns
        let largest = p.elements[range].max() ?? 0
        var sum = 0.0
        for index in range {
            p.elements[index] = exp(p.elements[index] - largest)
            sum += p.elements[index]
        }
        for index in range { p.elements[index] /= sum }
    }
    return p
}

/// Gradients of one head's attention, all `[tokens, head size]`.
private func gradients(_ q: Matrix, _ k: Matrix, _ v: Matrix, _ dy: Matrix, _ scale: Double) -> (dq: Matrix, dk: Matrix, dv: Matrix) {
    let p = probabilities(q, k, scale)
    var ds = dy * v.transposed
    for row in 0..<p.rows {
        let range = row * p.columns..<(row + 1) * p.columns
        var mean = 0.0
        for index in range { mean += p.elements[index] * ds.elements[index] }
        for index in range { ds.elements[index] = scale * p.elements[index] * (ds.elements[index] - mean) }
    }
    return (ds * k, ds.transposed * q, p.transposed * dy)
}

/// `1/√head size`
private func attentionScale(channels: Int, heads: Int) -> Double { 1 / Double(channels / heads).squareRoot() }

/// Own tokens of a sample followed by those of its reference, one head of them.
private func keys(_ own: Tensor, _ reference: Tensor?, sample: Int, batch: Int, head: Int, size: Int) -> Matrix {
    func part(_ x: Tensor, _ sample: Int) -> Matrix {
        let (tokens, channels) = (x.shape[1], x.shape[2])
        return Matrix(x.elements, rows: tokens, columns: size, start: sample * tokens * channels + head * size, rowStride: channels)
    }
    let first = part(own, sample)
    guard let reference else { return first }
    let second = part(reference, sample / (batch / reference.shape[0]))
    return Matrix(rows: first.rows + second.rows, columns: size, first.elements + second.elements)
}

func attention(_ x: [Tensor], heads: Int) -> [Float] {
    let q = x[0]
    let (batch, queries, channels) = (q.shape[0], q.shape[1], q.shape[2])
    let size = channels / heads
    let scale = attentionScale(channels: channels, heads: heads)
    var y = [Double](repeating: 0, count: q.shape.count)
    for sample in 0..<batch {
        for head in 0..<heads {
            let start = sample * queries * channels + head * size
            let rows = Matrix(q.elements, rows: queries, columns: size, start: start, rowStride: channels)
            let k = keys(x[1], x.count == 5 ? x[3] : nil, sample: sample, batch: batch, head: head, size: size)
            let v = keys(x[2], x.count == 5 ? x[4] : nil, sample: sample, batch: batch, head: head, size: size)
            (probabilities(rows, k, scale) * v).add(to: &y, start: start, rowStride: channels)
        }
    }
    return y.map { Float($0) }
}

func attentionGradient(_ x: [Tensor], heads: Int) -> [[Float]] {
    let (q, dy) = (x[0], x[x.count - 1])
    let hasReference = x.count == 6
    let (batch, queries, channels) = (q.shape[0], q.shape[1], q.shape[2])
    let size = channels / heads
    let scale = attentionScale(channels: channels, heads: heads)
    let own = x[1].shape[1]
    var results = x.dropLast().map { [Double](repeating: 0, count: $0.shape.count) }
    for sample in 0..<batch {
        for head in 0..<heads {
            let start = sample * queries * channels + head * size
            let k = keys(x[1], hasReference ? x[3] : nil, sample: sample, batch: batch, head: head, size: size)
            let v = keys(x[2], hasReference ? x[4] : nil, sample: sample, batch: batch, head: head, size: size)
            let (dq, dk, dv) = gradients(
                Matrix(q.elements, rows: queries, columns: size, start: start, rowStride: channels), k, v,
                Matrix(dy.elements, rows: queries, columns: size, start: start, rowStride: channels), scale)
            dq.add(to: &results[0], start: start, rowStride: channels)
            for (index, gradient) in [(1, dk), (2, dv)] {
                let first = Matrix(rows: own, columns: size, Array(gradient.elements[..<(own * size)]))
                first.add(to: &results[index], start: sample * own * channels + head * size, rowStride: channels)
                guard hasReference else { continue }
                let tokens = x[3].shape[1]
                let second = Matrix(rows: tokens, columns: size, Array(gradient.elements[(own * size)...]))
                let reference = sample / (batch / x[3].shape[0])
                second.add(to: &results[index + 2], start: reference * tokens * channels + head * size, rowStride: channels)
            }
        }
    }
    return results.map { $0.map { Float($0) } }
}

/// Calls `body` with where the frames of each position and head start; frames are `positions · channels` apart.
private func forEachTrack(_ shape: Shape, heads: Int, _ body: (Int) -> Void) {
    let size = shape[3] / heads
    for batch in 0..<shape[0] {
        for position in 0..<shape[2] {
            for head in 0..<heads { body((batch * shape[1] * shape[2] + position) * shape[3] + head * size) }
        }
    }
}

func temporalAttention(_ x: [Tensor], heads: Int) -> [Float] {
    let shape = x[0].shape
    let (size, frameStride) = (shape[3] / heads, shape[2] * shape[3])
    let scale = attentionScale(channels: shape[3], heads: heads)
    var y = [Double](repeating: 0, count: shape.count)
    forEachTrack(shape, heads: heads) { start in
        let track = x.map { Matrix($0.elements, rows: shape[1], columns: size, start: start, rowStride: frameStride) }
        (probabilities(track[0], track[1], scale) * track[2]).add(to: &y, start: start, rowStride: frameStride)
    }
    return y.map { Float($0) }
}

func temporalAttentionGradient(_ x: [Tensor], heads: Int) -> [[Float]] {
    let shape = x[0].shape
    let (size, frameStride) = (shape[3] / heads, shape[2] * shape[3])
    let scale = attentionScale(channels: shape[3], heads: heads)
    var results = [[Double]](repeating: [Double](repeating: 0, count: shape.count), count: 3)
    forEachTrack(shape, heads: heads) { start in
        let track = x.map { Matrix($0.elements, rows: shape[1], columns: size, start: start, rowStride: frameStride) }
        let (dq, dk, dv) = gradients(track[0], track[1], track[2], track[3], scale)
        dq.add(to: &results[0], start: start, rowStride: frameStride)
        dk.add(to: &results[1], start: start, rowStride: frameStride)
        dv.add(to: &results[2], start: start, rowStride: frameStride)
    }
    return results.map { $0.map { Float($0) } }
}
