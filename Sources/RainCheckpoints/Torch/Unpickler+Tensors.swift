/// What the names a pickle may use stand for.
extension Unpickler {
    /// What a call of `function` would have returned.
    mutating func result(of function: PickleValue, _ arguments: PickleValue) throws -> PickleValue {
        guard case .global(let global) = function else { throw malformed("a call of a known function or class", "one of \(function.kind)") }
        let operands = try items(arguments, "the arguments of a call")
        switch global {
        case .orderedDictionary: return try dictionary(operands)
        case .collection:
            guard let first = operands.first else { return .list(allocate([])) }
            return .list(allocate(try items(first, "the elements of a set")))
        case .size: return operands.first ?? .tuple(allocate([]))
        case .device, .encode: return .opaque
        case .rebuildTensor:
            guard operands.count >= 4 else { throw malformed("storage, offset, size and strides of a tensor", "\(operands.count) of them") }
            return try tensor(operands, dtype: nil)
        case .rebuildTypedTensor:
            guard operands.count >= 7 else { throw malformed("the seven parts of a typed tensor", "\(operands.count)") }
            guard case .global(.elementType(let dtype)) = operands[6] else {
                throw malformed("the element type of a tensor", operands[6].kind)
            }
            return try tensor(operands, dtype: dtype)
        case .rebuildParameter:
            guard let first = operands.first, case .tensor = first else {
                throw malformed("the tensor of a parameter", operands.first?.kind ?? "nothing")
            }
            return first
        case .storage, .elementType, .unsupportedType: throw malformed("a call of a function", "one of a type")
        }
    }

    /// Replaces the description of a storage on the stack by the storage.
    mutating func pushStorage() throws {
        let parts = try items(popOperand(), "the description of a storage")
        guard parts.count >= 5, case .text("storage") = parts[0], case .global(.storage(let dtype)) = parts[1],
            case .text(let key) = parts[2], case .integer(let count) = parts[4]
        else { throw malformed("'storage', type, key, device and number of elements", "\(parts.count) other things") }
        guard count >= 0, count <= file.count / (dtype?.byteCount ?? 1) else {
            throw CheckpointError(
                .truncated, file: file.path, expected: "a storage of \(count) elements", found: "a file of \(file.count) bytes in all",
                advice: "download or write the file again")
        }
        if parts.count > 5 {
            guard case .none = parts[5] else { throw malformed("a storage of its own", "a view of another, as PyTorch wrote before 0.4") }
        }
        push(PickledStorage(key: key, dtype: dtype, count: count))
    }

    private mutating func tensor(_ operands: [PickleValue], dtype: ElementType?) throws -> PickleValue {
        guard case .storage(let storage) = operands[0] else { throw malformed("the storage of a tensor", operands[0].kind) }
        guard case .integer(let offset) = operands[1] else { throw malformed("the offset of a tensor", operands[1].kind) }
        let shape = try integers(operands[2], "the size of a tensor")
        let strides = try integers(operands[3], "the strides of a tensor")
        guard shape.count == strides.count, shape.count <= Self.maximumRank else {
            throw malformed("as many strides as axes, at most \(Self.maximumRank)", "\(strides.count) and \(shape.count)")
        }
        // Without a type of its own, a tensor over bytes is one of bytes.
        let type = dtype ?? storages[storage].dtype ?? .uint8
        return add(PickledTensor(storage: storage, dtype: type, offset: offset, shape: shape, strides: strides))
    }

    /// A dictionary out of nothing, or of a list of pairs.
    private mutating func dictionary(_ operands: [PickleValue]) throws -> PickleValue {
        guard let first = operands.first else { return .dictionary(allocate([])) }
        var result: [PickleValue] = []
        for pair in try items(first, "the items of a dictionary") {
            let both = try items(pair, "a key and a value")
            guard both.count == 2 else { throw malformed("a key and a value", "\(both.count) values") }
            result += both
        }
        return .dictionary(allocate(result))
    }

    /// The elements of a list or tuple.
    func items(_ value: PickleValue, _ what: String) throws -> [PickleValue] {
        switch value {
        case .list(let index), .tuple(let index): return heap[index]
        default: throw malformed(what, value.kind)
        }
    }

    private func integers(_ value: PickleValue, _ what: String) throws -> [Int] {
        try items(value, what).map { element in
            guard case .integer(let integer) = element else { throw malformed("integers for \(what)", element.kind) }
            return integer
        }
    }
}
