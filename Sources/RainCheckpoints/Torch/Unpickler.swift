/// Reads one pickle, protocol 2 to 5, without executing anything.
///
/// A pickle is a program for a stack machine. This machine has the plain values and containers, a fixed list of names it
/// knows the meaning of, and nothing that could run code, open files or import modules; any other name is refused. Work and
/// memory are bounded by the bytes that were read: no operation adds more than one value, but for copies, which are counted.
///
/// - Source: https://docs.python.org/3/library/pickletools.html
struct Unpickler {
    /// The most bytes of one pickle; checkpoints with tens of thousands of tensors need a tenth.
    static let maximumByteCount = 64 << 20
    /// The most values in containers, on the stack and remembered.
    static let maximumValueCount = 4 << 20
    /// More axes than any tensor has.
    static let maximumRank = 32

    let file: MappedFile
    /// Where the next opcode is read.
    private(set) var position: Int
    /// Bytes read so far.
    var byteCount: Int { position - start }
    private let start: Int
    private let end: Int

    private(set) var heap: [[PickleValue]] = []
    private(set) var storages: [PickledStorage] = []
    private(set) var tensors: [PickledTensor] = []
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var valueCount = 0

    /// - Parameter range: where the pickle begins, and where it must have ended
    init(_ file: MappedFile, in range: Range<Int>) {
        self.file = file
        start = range.lowerBound
        position = range.lowerBound
        end = min(range.upperBound, range.lowerBound + min(Self.maximumByteCount, file.count))
    }

    /// Runs the pickle up to its end; `position` is then behind it.
    mutating func load() throws -> PickleValue {
        guard try byte() == 0x80 else { throw malformed("a pickle of protocol 2 to 5", "other bytes") }
        let version = try byte()
        guard (2...5).contains(version) else { throw malformed("a pickle of protocol 2 to 5", "protocol \(version)") }
        while true {
            let opcode = try byte()
            if opcode == UInt8(ascii: ".") {
                guard marks.isEmpty, stack.count == 1, let value = stack.popLast() else {
                    throw malformed("one value at the end of the pickle", "\(stack.count)")
                }
                return value
            }
            try execute(opcode)
            guard valueCount + stack.count + marks.count <= Self.maximumValueCount else {
                throw malformed("a pickle of at most \(Self.maximumValueCount) values", "more")
            }
        }
    }

    // MARK: Opcodes

    private mutating func execute(_ opcode: UInt8) throws {
        switch Unicode.Scalar(opcode) {
        // Values.
        case "N": push(.none)
        case "\u{88}": push(.bool(true))
        case "\u{89}": push(.bool(false))
        case "K": push(.integer(Int(try byte())))
        case "M": push(.integer(Int(try number(UInt16.self))))
        case "J": push(.integer(Int(try number(Int32.self))))
        case "\u{8A}": try pushLong(count: Int(byte()))
        case "\u{8B}": try pushLong(count: length(number(UInt32.self)))
        case "G": push(.float(Double(bitPattern: UInt64(bigEndian: try number(UInt64.self)))))
        case "\u{8C}": push(.text(try text(Int(byte()))))
        case "X": push(.text(try text(length(number(UInt32.self)))))
        case "\u{8D}": push(.text(try text(length(number(UInt64.self)))))
        case "U": push(.text(try text(Int(byte()))))
        case "T": push(.text(try text(length(number(UInt32.self)))))
        case "C": try pushBytes(Int(byte()))
        case "B": try pushBytes(length(number(UInt32.self)))
        case "\u{8E}", "\u{96}": try pushBytes(length(number(UInt64.self)))
        // Containers.
        case "]", "\u{8F}": push(.list(allocate([])))
        case ")": push(.tuple(allocate([])))
        case "}": push(.dictionary(allocate([])))
        case "(": marks.append(stack.count)
        case "t": push(.tuple(allocate(try popToMark())))
        case "l", "\u{91}": push(.list(allocate(try popToMark())))
        case "\u{85}": push(.tuple(allocate(try pop(1))))
        case "\u{86}": push(.tuple(allocate(try pop(2))))
        case "\u{87}": push(.tuple(allocate(try pop(3))))
        case "a": try append(pop(1))
        case "e", "\u{90}": try append(popToMark())
        case "s": try setItems(pop(2))
        case "u": try setItems(popToMark())
        case "d":
            let items = try popToMark()
            push(.dictionary(allocate([])))
            try setItems(items)
        // The stack and the memo.
        case "0": _ = try pop(1)
        case "1": _ = try popToMark()
        case "2": push(try top())
        case "q": try remember(Int(byte()))
        case "r": try remember(Int(number(UInt32.self)))
        case "\u{94}": try remember(memo.count)
        case "h": try recall(Int(byte()))
        case "j": try recall(Int(number(UInt32.self)))
        // Names and what they stand for.
        case "c": try pushGlobal(module: line(), name: line())
        case "\u{93}":
            let names = try pop(2)
            guard case .text(let module) = names[0], case .text(let name) = names[1] else {
                throw malformed("two texts that name a function or class", "\(names[0].kind) and \(names[1].kind)")
            }
            try pushGlobal(module: module, name: name)
        case "R", "\u{81}":
            let operands = try pop(2)
            push(try result(of: operands[0], operands[1]))
        case "b":
            // Attributes, such as the versions of a state dictionary's modules: nothing a tensor depends on.
            _ = try pop(1)
            switch try top() {
            case .dictionary, .list, .tensor: break
            case let other: throw malformed("attributes of a container or tensor", "attributes of \(other.kind)")
            }
        case "Q": try pushStorage()
        case "\u{95}":
            // Frames only say how much to read ahead.
            _ = try number(UInt64.self)
        case "i": throw refused(try line(), try line())
        default:
            throw malformed("an operation that tensors and plain containers need", "opcode 0x\(String(opcode, radix: 16))")
        }
    }

    /// Pushes a named function or class, if it is one of those that build tensors and plain containers.
    private mutating func pushGlobal(module: String, name: String) throws {
        guard let global = PickleGlobal.named(module, name) else { throw refused(module, name) }
        guard global != .unsupportedType else {
            throw CheckpointError(
                .unsupportedType, file: file.path,
                expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "),
                found: "\(module).\(printable(name, limit: 60))", advice: "convert the tensor to one of these types")
        }
        push(.global(global))
    }

    // MARK: Containers

    /// Puts items into a new container.
    mutating func allocate(_ items: [PickleValue]) -> Int {
        valueCount += items.count + 1
        heap.append(items)
        return heap.count - 1
    }

    private mutating func append(_ items: [PickleValue]) throws {
        guard case .list(let index) = try top() else { throw malformed("a list to append to", try top().kind) }
        valueCount += items.count
        heap[index] += items
    }

    private mutating func setItems(_ items: [PickleValue]) throws {
        guard case .dictionary(let index) = try top() else { throw malformed("a dictionary to add to", try top().kind) }
        guard items.count % 2 == 0 else { throw malformed("a value for each key of a dictionary", "\(items.count) keys and values") }
        valueCount += items.count
        heap[index] += items
    }

    // MARK: Stack and memo

    private mutating func push(_ value: PickleValue) { stack.append(value) }

    private func top() throws -> PickleValue {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw malformed("a value on the stack", "none") }
        return value
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("\(count) values on the stack", "fewer") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw malformed("a mark on the stack", "none") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    private mutating func remember(_ key: Int) throws {
        if memo.updateValue(try top(), forKey: key) == nil { valueCount += 1 }
    }

    private mutating func recall(_ key: Int) throws {
        guard let value = memo[key] else { throw malformed("a remembered value \(key)", "none") }
        push(value)
    }

    /// Adds a storage and pushes it.
    mutating func push(_ storage: PickledStorage) {
        valueCount += 1
        storages.append(storage)
        push(.storage(storages.count - 1))
    }

    /// Adds a tensor.
    mutating func add(_ tensor: PickledTensor) -> PickleValue {
        valueCount += 1 + 2 * tensor.shape.count
        tensors.append(tensor)
        return .tensor(tensors.count - 1)
    }

    /// Takes the operand of an operation.
    mutating func popOperand() throws -> PickleValue { try pop(1)[0] }

    // MARK: Bytes

    private mutating func byte() throws -> UInt8 {
        guard position < end else { throw ended() }
        defer { position += 1 }
        return file.load(UInt8.self, at: position)
    }

    private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws -> Number {
        guard end - position >= MemoryLayout<Number>.size else { throw ended() }
        defer { position += MemoryLayout<Number>.size }
        return Number(littleEndian: file.load(type, at: position))
    }

    /// A length, if so many bytes are left.
    private func length(_ count: some FixedWidthInteger) throws -> Int {
        guard let count = Int(exactly: count), count >= 0, count <= end - position else { throw ended() }
        return count
    }

    private mutating func bytes(_ count: Int) throws -> [UInt8] {
        guard count <= end - position else { throw ended() }
        defer { position += count }
        return file.bytes(position..<(position + count))
    }

    private mutating func text(_ count: Int) throws -> String {
        guard let text = String(validating: try bytes(count), as: UTF8.self) else {
            throw malformed("text in UTF-8", "other bytes before byte \(position)")
        }
        return text
    }

    private mutating func pushBytes(_ count: Int) throws {
        guard count <= end - position else { throw ended() }
        position += count
        push(.opaque)
    }

    private mutating func pushLong(count: Int) throws {
        let bytes = try bytes(count)
        guard bytes.count <= 8 else { return push(.longInteger(bytes)) }
        var value: UInt64 = bytes.last.map { $0 & 0x80 != 0 } == true ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        push(.integer(Int(Int64(bitPattern: value))))
    }

    private mutating func line() throws -> String {
        var content: [UInt8] = []
        while true {
            let next = try byte()
            if next == 0x0A { break }
            guard content.count < 256 else { throw malformed("a name of at most 256 bytes", "a longer one") }
            content.append(next)
        }
        guard let text = String(validating: content, as: UTF8.self) else { throw malformed("a name in UTF-8", "other bytes") }
        return text
    }

    // MARK: Errors

    func malformed(_ expected: String, _ found: String) -> CheckpointError {
        CheckpointError(
            .malformedPickle, file: file.path, expected: expected, found: "\(found), at byte \(position - start) of the pickle",
            advice: "the file is damaged or no checkpoint; download or write it again")
    }

    private func ended() -> CheckpointError {
        if end - start >= Self.maximumByteCount {
            return malformed("a pickle of at most \(Self.maximumByteCount) bytes", "a longer one")
        }
        return CheckpointError(
            .truncated, file: file.path, expected: "the whole pickle", found: "its end after \(end - start) bytes",
            advice: "download or write the file again")
    }

    private func refused(_ module: String, _ name: String) -> CheckpointError {
        CheckpointError(
            .refusedGlobal, file: file.path, expected: "a pickle of tensors and plain containers",
            found: "a call of '\(printable(module, limit: 80)).\(printable(name, limit: 80))'",
            advice: "nothing of it was run; save the model's state_dict() alone, or use a file from a source you trust")
    }
}
