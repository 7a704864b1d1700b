/// Finds the tensors in what a pickle has built, and gives each a name: the keys on the way to it, joined with ".".
struct PickledTensors {
    /// The deepest nesting of containers around tensors.
    private static let maximumDepth = 32
    /// Texts beside the tensors that are kept, in bytes each.
    private static let maximumMetadataByteCount = 1 << 16

    private(set) var tensors: [(name: String, index: Int)] = []
    /// Numbers and texts beside the tensors.
    private(set) var metadata: [String: String] = [:]

    private let unpickler: Unpickler
    /// Work left to do, in visits and in bytes of names: far more than a sensible file needs, and in proportion to this one.
    /// Containers that hold the same one many times over would take exponentially more.
    private var visits: Int
    private var nameByteCount: Int

    init(_ root: PickleValue, of unpickler: Unpickler) throws {
        self.unpickler = unpickler
        visits = 1024 + 4 * unpickler.heap.reduce(0) { $0 + $1.count }
        nameByteCount = (1 << 16) + 16 * unpickler.byteCount
        switch root {
        case .dictionary, .list, .tuple: break
        case .tensor(let index):
            throw CheckpointError(
                .unsupportedFormat, file: unpickler.file.path, expected: "a dictionary of tensors and their names",
                found: "one bare tensor of shape \(unpickler.tensors[index].shape)", advice: "save the model's state_dict() instead")
        default: throw unpickler.malformed("a dictionary of tensors", root.kind)
        }
        try visit(root, path: "", depth: 0)
        let wrapping = "state_dict."
        if !tensors.isEmpty, tensors.allSatisfy({ $0.name.hasPrefix(wrapping) && $0.name.count > wrapping.count }) {
            tensors = tensors.map { (String($0.name.dropFirst(wrapping.count)), $0.index) }
        }
    }

    private mutating func visit(_ value: PickleValue, path: String, depth: Int) throws {
        switch value {
        case .tensor(let index): tensors.append((path, index))
        case .dictionary(let index):
            let items = unpickler.heap[index]
            for position in stride(from: 0, to: items.count - 1, by: 2) {
                try visitChild(items[position + 1], key: name(items[position]), path: path, depth: depth)
            }
        case .list(let index), .tuple(let index):
            for (position, item) in unpickler.heap[index].enumerated() {
                try visitChild(item, key: String(position), path: path, depth: depth)
            }
        case .bool(let flag): metadata[path] = String(flag)
        case .integer(let integer): metadata[path] = String(integer)
        case .float(let number): metadata[path] = String(number)
        case .text(let text):
            if text.utf8.count <= Self.maximumMetadataByteCount { metadata[path] = text }
        case .none, .longInteger, .global, .storage, .opaque: break
        }
    }

    private mutating func visitChild(_ value: PickleValue, key: String, path: String, depth: Int) throws {
        let path = depth == 0 ? key : "\(path).\(key)"
        visits -= 1
        nameByteCount -= path.utf8.count
        guard visits >= 0, nameByteCount >= 0 else {
            throw unpickler.malformed("a plain tree of containers", "containers that hold each other over and over")
        }
        guard depth < Self.maximumDepth else {
            throw unpickler.malformed("containers nested at most \(Self.maximumDepth) deep", "deeper ones")
        }
        try visit(value, path: path, depth: depth + 1)
    }

    private func name(_ key: PickleValue) -> String {
        switch key {
        case .text(let text): text
        case .integer(let integer): String(integer)
        case .float(let number): String(number)
        case .bool(let flag): String(flag)
        default: "(\(key.kind))"
        }
    }
}
