/// Elements as numbers.
extension Checkpoint {
    /// The elements of a floating-point tensor, row-major, widened or (for F64) rounded to `Float`.
    ///
    /// - Parameter shape: if given, what the tensor's shape must be.
    /// - Throws: `CheckpointError` if the tensor is missing, not floating-point, or of another shape.
    public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
        let info = try info(name)
        try require(name, info, shape: shape)
        return try withBytes(name) { bytes throws in
            switch info.dtype {
            case .float32: return bytes.array(of: Float.self)
            case .float64:
                if let index = bytes.firstIndex(of: Double.self, where: { $0.isFinite && !Float($0).isFinite }) {
                    throw CheckpointError(
                        .outOfRange, file: path, tensor: name, expected: "values that 32-bit floats can hold",
                        found: "\(bytes.load(Double.self, at: index * 8)) at element \(index)", advice: "use another checkpoint")
                }
                return bytes.mapArray(of: Double.self) { Float($0) }
            case .float16: return bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromFloat16: $0) }
            case .bfloat16: return bytes.mapArray(of: UInt16.self) { HalfPrecision.float(fromBFloat16: $0) }
            case .float8E4M3: return bytes.mapArray(of: UInt8.self) { HalfPrecision.float(fromFloat8E4M3: $0) }
            case .float8E5M2: return bytes.mapArray(of: UInt8.self) { HalfPrecision.float(fromFloat16: UInt16($0) << 8) }
            case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool:
                throw wrongType(name, info, expected: "a floating-point tensor")
            }
        }
    }

    /// The elements of a tensor of any type, row-major, in double precision; integers beyond 2⁵³ are rounded.
    ///
    /// - Throws: what `floats(_:shape:)` and `integers(_:shape:)` throw
    public func doubles(_ name: String) throws -> [Double] {
        let info = try info(name)
        guard info.dtype == .float64 else {
            return try info.dtype.isFloatingPoint ? floats(name).map(Double.init) : integers(name).map { Double($0) }
        }
        return try withBytes(name) { $0.array(of: Double.self) }
    }

    /// The elements of an integer or Boolean tensor, row-major.
    ///
    /// - Parameter shape: if given, what the tensor's shape must be.
    /// - Throws: `CheckpointError` if the tensor is missing, floating-point, of another shape, a Boolean is neither 0 nor 1, or
    ///   an element is 2^63 or more.
    public func integers(_ name: String, shape: [Int]? = nil) throws -> [Int64] {
        let info = try info(name)
        try require(name, info, shape: shape)
        return try withBytes(name) { bytes throws in
            switch info.dtype {
            case .int64: return bytes.array(of: Int64.self)
            case .int32: return bytes.mapArray(of: Int32.self) { Int64($0) }
            case .int16: return bytes.mapArray(of: Int16.self) { Int64($0) }
            case .int8: return bytes.mapArray(of: Int8.self) { Int64($0) }
            case .uint64:
                if let index = bytes.firstIndex(of: UInt64.self, where: { $0 > UInt64(Int64.max) }) {
                    throw CheckpointError(
                        .outOfRange, file: path, tensor: name, expected: "integers below 2^63",
                        found: "\(bytes.load(UInt64.self, at: index * 8)) at element \(index)", advice: "use another checkpoint")
                }
                return bytes.array(of: Int64.self)
            case .uint32: return bytes.mapArray(of: UInt32.self) { Int64($0) }
            case .uint16: return bytes.mapArray(of: UInt16.self) { Int64($0) }
            case .uint8: return bytes.mapArray(of: UInt8.self) { Int64($0) }
            case .bool:
                if let index = bytes.firstIndex(of: UInt8.self, where: { $0 > 1 }) {
                    throw CheckpointError(
                        .outOfRange, file: path, tensor: name, expected: "Booleans of 0 or 1",
                        found: "\(bytes.load(UInt8.self, at: index)) at element \(index)",
                        advice: "the file is damaged; download or write it again")
                }
                return bytes.mapArray(of: UInt8.self) { Int64($0) }
            case .float64, .float32, .float16, .bfloat16, .float8E4M3, .float8E5M2:
                throw wrongType(name, info, expected: "an integer or Boolean tensor")
            }
        }
    }

    /// Insists that every element of the tensor `name` is finite; integer tensors always are.
    ///
    /// - Throws: `CheckpointError` naming the first element that is infinite or not a number.
    public func requireFinite(_ name: String) throws {
        let info = try info(name)
        guard info.dtype.isFloatingPoint else { return }
        let index = try withBytes(name) { bytes -> Int? in
            switch info.dtype {
            case .float32: bytes.firstIndex(of: UInt32.self) { $0 & 0x7F80_0000 == 0x7F80_0000 }
            case .float64: bytes.firstIndex(of: UInt64.self) { $0 & 0x7FF0_0000_0000_0000 == 0x7FF0_0000_0000_0000 }
            case .float16: bytes.firstIndex(of: UInt16.self) { $0 & 0x7C00 == 0x7C00 }
            case .bfloat16: bytes.firstIndex(of: UInt16.self) { $0 & 0x7F80 == 0x7F80 }
            case .float8E4M3: bytes.firstIndex(of: UInt8.self) { $0 & 0x7F == 0x7F }
            case .float8E5M2: bytes.firstIndex(of: UInt8.self) { $0 & 0x7C == 0x7C }
            default: nil
            }
        }
        guard let index else { return }
        let value = try floats(name)[index]
        throw CheckpointError(
            .notFinite, file: path, tensor: name, expected: "finite values", found: "\(value) at element \(index)",
            advice: "the training diverged or the file is damaged; use another checkpoint")
    }

    /// Insists that every element of every tensor is finite.
    public func requireFinite() throws {
        for name in names { try requireFinite(name) }
    }

    private func require(_ name: String, _ info: TensorInfo, shape: [Int]?) throws {
        guard let shape, shape != info.shape else { return }
        throw CheckpointError(
            .wrongShape, file: path, tensor: name, expected: "shape \(shape)", found: "shape \(info.shape)",
            advice: "check that this checkpoint belongs to this model")
    }

    private func wrongType(_ name: String, _ info: TensorInfo, expected: String) -> CheckpointError {
        CheckpointError(
            .wrongType, file: path, tensor: name, expected: expected, found: info.dtype.rawValue,
            advice: "check that this checkpoint belongs to this model")
    }
}
