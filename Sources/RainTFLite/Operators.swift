import RainGraph
import RainNetworks

extension Importer {
    /// Applies the activation that is part of an operator, by its number.
    func activated(_ value: Value, _ activation: Int8, _ reader: OperatorReader) throws -> Value {
        switch activation {
        case 0: value
        case 1: try value.unary(.relu)
        case 3: try value.unary(.relu).atMost(value.builder.constant([6], []))
        // LiteRT leaves TANH out where it follows an operator.
        default: throw reader.fault(.unsupported, "no activation, RELU or RELU6", "activation \(activation)")
        }
    }

    func binary(_ kind: Binary, _ reader: OperatorReader, options type: UInt8) throws -> Imported {
        let (a, b) = (try value(reader, 0), try value(reader, 1))
        let result = try a.builder.one(.binary(kind), a, b)
        return .graph(try activated(result, reader.options(type)?.number(0) ?? 0, reader))
    }

    /// What a constant in halves stands for; it was widened when it was read.
    func widened(_ reader: OperatorReader) throws -> Imported {
        let constant = try reader.host(0)
        guard !constant.isInteger else { throw reader.fault(.unsupported, "constants of 16-bit floats", "whole numbers") }
        return .host(constant)
    }

    // MARK: Windows

    /// Padding and stride of a window over a picture.
    ///
    /// - Parameters:
    ///   - options: with padding, width's and height's stride in the first three fields
    ///   - kernel: height and width, enlarged by dilation
    private func geometry(
        _ options: FlatTable?, picture: Shape, kernel: (height: Int, width: Int), _ reader: OperatorReader
    ) throws -> Convolution {
        let padding: Int8 = try options?.number(0) ?? 0
        let (across, down) = (Int(try options?.number(1) ?? 0 as Int32), Int(try options?.number(2) ?? 0 as Int32))
        guard across == down, (1...512).contains(down) else {
            throw reader.fault(.unsupported, "one stride of 1 to 512 for both axes", "\(down) and \(across)")
        }
        guard padding == 0 || padding == 1 else { throw reader.fault(.malformed, "padding SAME or VALID", "\(padding)") }
        /// Zeros before and after, the larger part after: SAME makes ⌈extent / stride⌉ results.
        func pads(_ extent: Int, _ reach: Int) -> (Int, Int) {
            guard padding == 0 else { return (0, 0) }
            let total = max(0, ((extent + down - 1) / down - 1) * down + reach - extent)
            return (total / 2, total - total / 2)
        }
        let (top, bottom) = pads(picture[1], kernel.height)
        let (left, right) = pads(picture[2], kernel.width)
        return Convolution(stride: down, padding: [top, left, bottom, right])
    }

    private func picture(_ reader: OperatorReader) throws -> Value {
        let picture = try value(reader, 0)
        guard picture.shape.rank == 4 else { throw reader.fault(.inconsistent, "a picture [n, h, w, c]", "\(picture.shape)") }
        return picture
    }

    private func checkDilation(_ options: FlatTable?, _ fields: (Int, Int), _ reader: OperatorReader) throws {
        let dilations = [try options?.number(fields.0, 1) ?? 1 as Int32, try options?.number(fields.1, 1) ?? 1 as Int32]
        guard dilations == [1, 1] else { throw reader.fault(.unsupported, "windows without dilation", "\(dilations)") }
    }

    private func kernel(_ reader: OperatorReader) throws -> HostTensor {
        let kernel = try reader.host(1)
        guard kernel.shape.count == 4, kernel.shape.allSatisfy({ $0 > 0 }), kernel.shape[1] <= 512, kernel.shape[2] <= 512 else {
            throw reader.fault(.inconsistent, "weights of 4 axes, windows of at most 512", "\(kernel.shape)")
        }
        return kernel
    }

    private func bias(_ reader: OperatorReader, count: Int) throws -> Value? {
        guard reader.isGiven(2) else { return nil }
        let bias = try reader.host(2)
        guard bias.shape == [count] else { throw reader.fault(.inconsistent, "\(count) biases", "\(bias.shape)") }
        return try weight(bias)
    }

    func convolved(_ reader: OperatorReader) throws -> Imported {
        let options = try reader.options(1)
        let picture = try picture(reader)
        let kernel = try kernel(reader)
        let shape = kernel.shape
        guard shape[3] == picture.shape[3] else {
            throw reader.fault(.inconsistent, "weights for \(picture.shape[3]) channels", "\(shape)")
        }
        try checkDilation(options, (4, 5), reader)
        let geometry = try geometry(options, picture: picture.shape, kernel: (shape[1], shape[2]), reader)
        // [out, height, width, in] → [out, in, height, width]
        let result = try picture.convolved(weight(kernel, order: [0, 3, 1, 2]), bias: bias(reader, count: shape[0]), geometry)
        return .graph(try activated(result, options?.number(3) ?? 0, reader))
    }

    func convolvedByChannel(_ reader: OperatorReader) throws -> Imported {
        let options = try reader.options(2)
        let picture = try picture(reader)
        let kernel = try kernel(reader)
        let shape = kernel.shape
        guard shape[0] == 1, shape[3] == picture.shape[3] else {
            throw reader.fault(.unsupported, "weights [1, h, w, \(picture.shape[3])], one result a channel", "\(shape)")
        }
        try checkDilation(options, (5, 6), reader)
        let geometry = try geometry(options, picture: picture.shape, kernel: (shape[1], shape[2]), reader)
        let result = try picture.convolvedByChannel(
            weight(kernel).reshaped([shape[1], shape[2], shape[3]]), bias: bias(reader, count: shape[3]), geometry)
        return .graph(try activated(result, options?.number(4) ?? 0, reader))
    }

    func maxPooled(_ reader: OperatorReader) throws -> Imported {
        let options = try reader.options(5)
        let picture = try picture(reader)
        let (width, height) = (Int(try options?.number(3) ?? 0 as Int32), Int(try options?.number(4) ?? 0 as Int32))
        guard (1...512).contains(width), (1...512).contains(height) else {
            throw reader.fault(.unsupported, "a window of 1 to 512", "\(height) × \(width)")
        }
        let geometry = try geometry(options, picture: picture.shape, kernel: (height, width), reader)
        return .graph(try activated(picture.pooled(height: height, width: width, geometry), options?.number(5) ?? 0, reader))
    }

    // MARK: Structure

    func concatenated(_ reader: OperatorReader) throws -> Imported {
        let options = try reader.options(10)
        let parts = try reader.operation.inputs.indices.map { try value(reader, $0) }
        guard let first = parts.first else { throw reader.fault(.inconsistent, "at least one input", "none") }
        let given = Int(try options?.number(0) ?? 0 as Int32)
        let axis = given < 0 ? given + first.shape.rank : given
        guard first.shape.dimensions.indices.contains(axis) else {
            throw reader.fault(.inconsistent, "an axis of \(first.shape.rank)", "\(given)")
        }
        let result = parts.count == 1 ? first : try first.concatenated(with: Array(parts.dropFirst()), axis: axis)
        return .graph(try activated(result, options?.number(1) ?? 0, reader))
    }

    /// The shape is the one that is declared for the result.
    func reshaped(_ reader: OperatorReader) throws -> Imported {
        guard let output = reader.operation.outputs.first else { throw reader.fault(.inconsistent, "an output", "none") }
        let declared = model.tensors[output].shape
        let input = try value(reader, 0)
        guard HostTensor.count(declared) == input.shape.count else {
            throw reader.fault(.inconsistent, "as many elements as \(input.shape)", "\(declared)")
        }
        return .graph(try input.reshaped(Shape(declared)))
    }

    func padded(_ reader: OperatorReader) throws -> Imported {
        var result = try value(reader, 0)
        let pads = try reader.integers(1)
        guard pads.count == 2 * result.shape.rank, pads.allSatisfy({ (0...4096).contains($0) }) else {
            throw reader.fault(.unsupported, "0 to 4096 zeros before and after each of \(result.shape.rank) axes", "\(pads.prefix(16))")
        }
        for axis in 0..<result.shape.rank where pads[2 * axis] + pads[2 * axis + 1] > 0 {
            result = try result.builder.one(.pad(axis: axis, before: pads[2 * axis], after: pads[2 * axis + 1]), result)
        }
        return .graph(result)
    }

    func sliced(_ reader: OperatorReader) throws -> Imported {
        let options = try reader.options(32)
        var result = try value(reader, 0)
        let rank = result.shape.rank
        let (begin, end, step) = (try reader.integers(1), try reader.integers(2), try reader.integers(3))
        guard begin.count == rank, end.count == rank, step == Array(repeating: 1, count: rank) else {
            throw reader.fault(.unsupported, "a begin, an end and a stride of 1 for each of \(rank) axes", "\(begin), \(end), \(step)")
        }
        let masks = try (0..<5).map { Int(try options?.number($0) ?? 0 as Int32) }
        let isOffset: UInt8 = try options?.number(5) ?? 0
        guard masks[2...].allSatisfy({ $0 == 0 }), isOffset == 0 else {
            throw reader.fault(.unsupported, "slices that keep all axes, ends counted from 0", "masks \(masks[2...]), offset \(isOffset)")
        }
        for axis in 0..<rank {
            let extent = result.shape[axis]
            func place(_ given: Int) -> Int { min(max(given < 0 ? given + extent : given, 0), extent) }
            let from = masks[0] >> axis & 1 == 1 ? 0 : place(begin[axis])
            let to = masks[1] >> axis & 1 == 1 ? extent : place(end[axis])
            guard from < to else { throw reader.fault(.inconsistent, "a slice with elements", "\(begin[axis]) to \(end[axis])") }
            result = try result.sliced(axis: axis, start: from, count: to - from)
        }
        return .graph(result)
    }
}
