import RainCheckpoints
import RainModels
import RainPictures

extension ReferenceCase {
    /// The elements of a tensor of any type in double precision.
    func doubles(_ name: String) throws -> [Double] {
        try file.doubles(name)
    }

    /// Points in the plane: the elements of a tensor, two by two.
    func points(_ name: String) throws -> [SIMD2<Double>] {
        let shape = try file.info(name).shape
        guard shape.last == 2 else { throw ModelError(.verification, at: "\(path): \(name)", "expected [n, 2], found \(shape)") }
        let values = try doubles(name)
        return stride(from: 0, to: values.count, by: 2).map { SIMD2(values[$0], values[$0 + 1]) }
    }

    /// A number of groups of so many points each.
    func pointGroups(_ name: String, of size: Int) throws -> [[SIMD2<Double>]] {
        let points = try points(name)
        guard points.count.isMultiple(of: size) else {
            throw ModelError(.verification, at: "\(path): \(name)", "expected groups of \(size) points, found \(points.count) points")
        }
        return stride(from: 0, to: points.count, by: size).map { Array(points[$0..<$0 + size]) }
    }

    /// A picture stored as horizontal runs on black.
    func sparsePicture(_ name: String, width: Int, height: Int) throws -> Picture {
        var picture = Picture(width: width, height: height)
        for run in try rows(name, of: 3) {
            guard run[0] >= 0, run[1] >= 0, run[0] <= width * height, run[1] <= width * height - run[0], (0...0xFF_FFFF).contains(run[2])
            else {
                throw ModelError(
                    .verification, at: "\(path): \(name)", "expected runs of colours within \(width)×\(height) pixels, found \(run)")
            }
            for pixel in run[0]..<run[0] + run[1] {
                for channel in 0..<3 { picture.bytes[pixel * 3 + channel] = UInt8(run[2] >> (16 - 8 * channel) & 255) }
            }
        }
        return picture
    }
}

extension Comparison {
    /// Compares numbers in double precision; another count than expected is a disagreement.
    ///
    /// - Parameter limit: of the largest difference, relative to the largest expected magnitude
    mutating func compare(_ name: String, doubles values: [Double], limit: Double) throws {
        let expected = try reference.doubles("outputs/" + name)
        var (difference, magnitude) = (values.count == expected.count ? 0 : Double.infinity, 0.0)
        for (a, b) in zip(values, expected) {
            difference = a.isFinite ? max(difference, abs(a - b)) : .infinity
            magnitude = max(magnitude, abs(b))
        }
        add(name, magnitude > 0 ? difference / magnitude : difference, limit: limit)
    }

    mutating func compare(_ name: String, points: [SIMD2<Double>], limit: Double) throws {
        try compare(name, doubles: points.flatMap { [$0.x, $0.y] }, limit: limit)
    }

    /// Compares pictures byte by byte.
    ///
    /// - Parameter limit: of the differing part of the pixels that are not black in both
    mutating func compare(_ name: String, pixels values: [UInt8], channels: Int, limit: Double) throws {
        try compare(name, pixels: values, with: reference.bytes("outputs/" + name), channels: channels, limit: limit)
    }

    mutating func compare(_ name: String, pixels values: [UInt8], with expected: [UInt8], channels: Int, limit: Double) {
        guard values.count == expected.count else { return add(name, .infinity, limit: limit) }
        var (differing, drawn) = (0, 0)
        for start in stride(from: 0, to: values.count, by: channels) {
            let range = start..<min(start + channels, values.count)
            if range.contains(where: { values[$0] != expected[$0] }) { differing += 1 }
            if range.contains(where: { values[$0] | expected[$0] != 0 }) { drawn += 1 }
        }
        add(name, Double(differing) / Double(max(drawn, 1)), limit: limit)
    }

    /// Compares a picture with a sparse one.
    mutating func compare(_ name: String, picture: Picture, limit: Double) throws {
        let expected = try reference.sparsePicture("outputs/" + name, width: picture.width, height: picture.height)
        compare(name, pixels: picture.bytes, with: expected.bytes, channels: 3, limit: limit)
    }

    private mutating func add(_ name: String, _ error: Double, limit: Double) {
        add(VerificationReport.Output(name: name, error: Float(error), tolerance: Float(limit)))
    }
}

extension ReferenceCase {
    /// Bytes, or numbers of another type that are bytes.
    func bytes(_ name: String) throws -> [UInt8] {
        try file.integers(name).map { value in
            guard let byte = UInt8(exactly: value) else {
                throw ModelError(.verification, at: "\(path): \(name)", "expected bytes, found \(value)")
            }
            return byte
        }
    }
}
