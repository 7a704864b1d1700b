public import RainGraph

/// A bank: the layer-normed input of one spatial transformer of the reference network.
public struct Bank {
    /// `d00` … `m` … `u32`; see `UNetConfiguration.banks`.
    public let name: String
    /// `[references, tokens, channels]`
    public let tokens: Value

    public init(name: String, tokens: Value) {
        self.name = name
        self.tokens = tokens
    }
}

/// Called with every intermediate result worth comparing: `conv_in_plus_pose`, `down1_resnet0`, `mid`, …
public typealias Recorder = (_ name: String, _ value: Value) -> Void

/// What all blocks of a UNet share while one is built.
package final class UNetPass {
    let g: GraphBuilder
    /// `[t, 4 C0]`, before its SiLU; `t` divides the samples.
    let time: Value
    /// Cross-attention tokens `[1 or b, tokens, channels]`.
    let context: Value?
    /// Frames per character; samples are `[character, frame]`.
    let frames: Int
    /// Whether motion modules take part.
    let motion: Bool
    private let references: [String: Value]
    private let record: Recorder?
    /// Collected on the way; what a reference network is for.
    private(set) var banks: [Bank] = []
    private let lastBank: String?

    package init(
        _ g: GraphBuilder, time: Value, context: Value?, frames: Int = 1, motion: Bool = false, references: [Bank] = [],
        lastBank: String? = nil, record: Recorder? = nil
    ) {
        self.g = g
        self.time = time
        self.context = context
        self.frames = frames
        self.motion = motion
        self.references = Dictionary(references.map { ($0.name, $0.tokens) }, uniquingKeysWith: { $1 })
        self.lastBank = lastBank
        self.record = record
    }

    func note(_ name: String, _ value: Value) { record?(name, value) }

    func reference(_ bank: String) -> Value? { references[bank] }

    /// Keeps a bank and says whether all that was wanted has been found.
    func keep(_ bank: String, _ tokens: Value) -> Bool {
        banks.append(Bank(name: bank, tokens: tokens))
        return bank == lastBank
    }
}
