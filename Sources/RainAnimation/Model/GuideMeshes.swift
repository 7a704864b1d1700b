public import RainGraph
import RainPose

/// Meshes of several frames side by side, as programs read them: `[layers, frames, m, m, 2]`.
public enum GuideMeshes {
    public static func shape(frames: Int) -> Shape {
        [CharacterLayer.allCases.count, frames, GuideGeometry.meshSide, GuideGeometry.meshSide, 2]
    }

    /// - Parameter frames: for each the meshes of all layers
    public static func joined(_ frames: [[Float]]) -> [Float] {
        let count = GuideGeometry.meshSide * GuideGeometry.meshSide * 2
        return CharacterLayer.allCases.indices.flatMap { layer in
            frames.flatMap { $0[(layer * count)..<((layer + 1) * count)] }
        }
    }
}
