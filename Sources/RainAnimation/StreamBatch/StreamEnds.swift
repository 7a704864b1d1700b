import RainGraph
import RainModels
import RainPictures
import RainPose

/// What a family of models does around its denoising steps: it tells the denoiser what frames are to show, and makes pictures of what
/// leaves.
///
/// Belongs to one stream. Programs of several streams are given with the slot that is this stream's.
protocol StreamEnds: AnyObject {
    /// Its parts for one stream, a group of frames at once.
    var guider: any Executable { get }
    var decoder: any Executable { get }

    /// Takes a reference in, for frames in flight and to come.
    ///
    /// - Returns: what the denoiser is told about it: input name → values
    func fuse(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws -> [String: [Float]]
    /// Prepares what the guider reads of the next group.
    func take(_ frames: [DrivingPose])
    func write(into guider: any Executable, slot: Int) throws
    /// Remembers what the decoder will want of the group whose features have been computed.
    func enter(from guider: any Executable, slot: Int) throws
    /// Says what the decoder reads besides latents, of the group that leaves.
    func writeLeaving(into decoder: any Executable, slot: Int) throws
    /// The group has left, and been decoded.
    func leave() throws
    /// Forgets the frames in flight.
    func reset() throws
}

/// Of models with a pose guider: landmarks drawn as pictures; the decoder wants latents alone, and may remember what it has shown.
final class PoseEnds: StreamEnds {
    let guider: any Executable
    let decoder: any Executable
    private let configuration: ModelConfiguration
    private let poseStyle: PoseStyle
    private let evaluate: (Program, [String: [Float]]) throws -> [String: [Float]]
    private let referenceNetwork: Program
    private var posePictures: [Float]
    /// What the decoder remembers between groups: each the same buffer before and after. Such a decoder is this stream's alone.
    private let memories: [any EngineBuffer]

    init(
        _ programs: ModelPrograms, frames: Int, poseStyle: PoseStyle?, beside known: StreamExecutables?,
        engine: any Engine, prepare: (Program, CompileOptions) throws -> any Executable,
        evaluate: @escaping (Program, [String: [Float]]) throws -> [String: [Float]]
    ) throws {
        configuration = programs.configuration
        self.evaluate = evaluate
        referenceNetwork = try programs.reference()
        guider = try prepare(programs.pose(frames: frames), CompileOptions(beside: known?.guider))
        memories = try programs.decoderMemories.map { try engine.buffer(TensorType($0)) }
        let states = memories.enumerated().flatMap { index, buffer in
            [(TensorPort.input("memory\(index)"), buffer), (TensorPort.output("left\(index)"), buffer)]
        }
        decoder = try prepare(
            programs.decoder(frames: frames),
            CompileOptions(beside: known?.decoder, buffers: Dictionary(uniqueKeysWithValues: states)))
        self.poseStyle = poseStyle ?? configuration.posePicture.usualStyle
        precondition(
            self.poseStyle.count == configuration.posePicture.size * configuration.posePicture.size * 3,
            "pose pictures of \(configuration.posePicture.size) pixels a side are drawn at another size")
        posePictures = [Float](repeating: 0, count: frames * self.poseStyle.count)
    }

    func fuse(_ reference: CharacterArt, landmarks: LandmarkFrame?) throws -> [String: [Float]] {
        let reference = reference.picture
        let picture = reference.fitted(width: configuration.imageSize, height: configuration.imageSize)
        var given = ["picture": picture.unitValues()]
        if let encoder = configuration.imageEncoder {
            given["clip_picture"] = reference.croppedForCLIP(side: encoder.imageSize).clipValues()
        }
        if configuration.referencePose {
            var pose = [Float](repeating: 0, count: poseStyle.count)
            poseStyle.paint(.face(landmarks ?? .neutral), into: &pose)
            given["pose_picture"] = pose
        }
        return try evaluate(referenceNetwork, given)
    }

    func take(_ frames: [DrivingPose]) {
        for (index, frame) in frames.enumerated() { poseStyle.paint(frame, into: &posePictures, offset: index * poseStyle.count) }
    }

    func write(into guider: any Executable, slot: Int) throws {
        try guider.write("pose_pictures") { copy(posePictures, posePictures.count, into: &$0, at: slot * posePictures.count) }
    }

    func enter(from guider: any Executable, slot: Int) {}

    func writeLeaving(into decoder: any Executable, slot: Int) {}

    func leave() {}

    func reset() throws {
        for memory in memories { try memory.write { (span: inout MutableSpan<Float>) in for index in span.indices { span[index] = 0 } } }
    }
}
