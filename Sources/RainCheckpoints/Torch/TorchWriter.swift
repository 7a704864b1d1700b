import RainFiles

/// Writes PyTorch files: a state dictionary as `torch.save` does since PyTorch 1.6.
///
/// - Source: PyTorch, `torch/serialization.py`; PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64).
public enum TorchWriter {
    /// Writes tensors one after the other, so that never more than one is in memory.
    ///
    /// - Parameters:
    ///   - path: replaced only once everything is on disk
    ///   - declarations: of all tensors, which stand in the dictionary in this order
    ///   - content: the bytes of a tensor, little-endian and row-major; called once for each, in order
    /// - Throws: `CheckpointError` for declarations that contradict each other or their bytes, an element type that PyTorch has no
    ///   storage for, or a file that cannot be written; or what `content` throws. Nothing is then left behind.
    public static func write(
        to path: String, _ declarations: [TensorDeclaration], content: (TensorDeclaration) throws -> [UInt8]
    ) throws {
        try TensorDeclaration.check(declarations, path: path)
        let pickle = try pickle(declarations, path: path)
        do {
            var archive = try ZipWriter(path: path)
            try archive.add("archive/data.pkl", pickle)
            try archive.add("archive/byteorder", Array("little".utf8))
            for (index, tensor) in declarations.enumerated() {
                let bytes = try content(tensor)
                try tensor.check(bytes, path: path)
                try archive.add("archive/data/\(index)", bytes)
            }
            try archive.add("archive/version", Array("3\n".utf8))
            try archive.finish()
        } catch let error as FileError {
            throw CheckpointError(error)
        }
    }

    private static func pickle(_ tensors: [TensorDeclaration], path: String) throws -> [UInt8] {
        let emptyDictionary = global("collections", "OrderedDict") + [UInt8(ascii: ")"), UInt8(ascii: "R")]
        var pickle: [UInt8] = [0x80, 2] + emptyDictionary
        pickle.append(UInt8(ascii: "("))
        for (index, tensor) in tensors.enumerated() {
            guard let storage = PickleGlobal.storageName(of: tensor.dtype) else {
                throw CheckpointError(
                    .invalidInput, file: path, tensor: tensor.name, expected: "an element type that PyTorch has a storage for",
                    found: tensor.dtype.rawValue, advice: "choose another type")
            }
            pickle += text(tensor.name) + global("torch._utils", "_rebuild_tensor_v2")
            pickle += Array("((".utf8) + text("storage") + global("torch", storage) + text(String(index)) + text("cpu")
            pickle += integer(tensor.byteCount / tensor.dtype.byteCount) + Array("tQ".utf8) + integer(0)
            pickle += tuple(tensor.shape) + tuple(TensorInfo.rowMajorStrides(tensor.shape))
            // Needs no gradient, has no hooks.
            pickle.append(0x89)
            pickle += emptyDictionary + Array("tR".utf8)
        }
        return pickle + Array("u.".utf8)
    }

    private static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + littleEndian(UInt32(text.utf8.count)) + text.utf8
    }

    private static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    private static func integer(_ value: Int) -> [UInt8] {
        if let small = Int32(exactly: value) { return [UInt8(ascii: "J")] + littleEndian(UInt32(bitPattern: small)) }
        return [0x8A, 8] + littleEndian(UInt64(bitPattern: Int64(value)))
    }

    private static func tuple(_ values: [Int]) -> [UInt8] {
        [UInt8(ascii: "(")] + values.flatMap(integer) + [UInt8(ascii: "t")]
    }
}

/// The bytes of a number, lowest first.
func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> [UInt8] {
    stride(from: 0, to: Number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
}
