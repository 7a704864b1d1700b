import Foundation
import RainAnimation
import RainFiles
import RainMedia
import RainPictures
import RainPose

/// The reference as a square, and where its face is.
struct ReferenceFace {
    let art: CharacterArt
    let landmarks: LandmarkFrame

    /// - Parameters:
    ///   - path: a picture, or a folder of layers
    ///   - landmarks: a landmark file; `nil` to look beside the picture, and then in it
    ///   - size: of the pictures to be made
    ///   - fit: how a picture of other proportions is fitted; nil for as its face asks for
    ///   - detectors: find the face where no file says where it is; nil for models that need not know
    ///   - drawn: finds it exactly, if it is drawn; asked for where no file says where it is
    ///   - isCut: whether a picture is cut into layers instead of being bent as a whole
    init(
        path: String, landmarks: String?, size: Int, fit: AnimateCommand.Fit?, detectors: Detectors?,
        drawn: () throws -> DrawnFaces? = { nil },
        isCut: Bool = false
    ) async throws {
        func art(_ picture: Picture) -> CharacterArt { isCut ? .cut(picture) : .picture(picture) }
        let folder = FileSystem.isFolder(path) ? try LayerFolder(path: path) : nil
        let picture = try folder?.picture ?? PictureReader.read(path)
        let file = landmarks ?? folder?.landmarkFile ?? Self.fileBeside(path)
        var frame = try file.map { try LandmarkFile(contentsOf: URL(fileURLWithPath: $0))[0].face }
        var placement: ReferencePlacement?
        if frame == nil, let detectors, let found = try await Self.find(in: picture, path: path, detectors, drawn) {
            frame = found
            if fit == nil { placement = ReferencePlacement(face: found, width: picture.width, height: picture.height) }
        }
        if let folder {
            let placement = placement ?? ReferencePlacement(width: picture.width, height: picture.height)
            let cut = try folder.cut(placement)
            self.art = .layers(cut)
            self.landmarks = frame.map { placement.landmarks($0) } ?? .neutral
        } else if let placement, let frame {
            self.art = art(placement.picture(picture))
            self.landmarks = placement.landmarks(frame).allSeen
        } else {
            // Only made square: the model reads its details at more than one size.
            let mode = (fit ?? .crop).mode
            let side = mode == .crop ? min(picture.width, picture.height) : max(size, min(max(picture.width, picture.height), 4096))
            self.art = art(picture.fitted(width: side, height: side, mode: mode))
            self.landmarks = frame.map { Self.fitted($0, width: picture.width, height: picture.height, fit: mode) } ?? .neutral
        }
    }

    /// The face in a picture, with what is to be known of it.
    private static func find(
        in picture: Picture, path: String, _ detectors: Detectors, _ drawn: () throws -> DrawnFaces?
    ) async throws -> LandmarkFrame? {
        let detector = try detectors.openIfAny()
        let face = try await detector?.detect(picture)?.face
        if let found = try await drawn()?.face(in: picture, near: face) ?? face { return found }
        guard detector != nil else {
            Terminal.note(
                "\(path): no landmark file beside it and no face tracker ('rain tracker install'): its face is taken to be in the middle")
            return nil
        }
        Terminal.note("\(path): found no face in it; it is taken to be in the middle (--reference-landmarks says where it is)")
        return nil
    }

    /// The landmark file that belongs to a picture: `hero.landmarks.json` for `hero.png`.
    static func landmarkFile(of picture: String) -> String {
        URL(fileURLWithPath: picture).deletingPathExtension().path + ".landmarks.json"
    }

    /// The landmark file that lies beside a picture; nil for none.
    static func fileBeside(_ picture: String) -> String? {
        let file = landmarkFile(of: picture)
        return FileSystem.exists(file) ? file : nil
    }

    /// Landmarks of a picture where they are after it has been fitted to a square.
    private static func fitted(_ frame: LandmarkFrame, width: Int, height: Int, fit: FitMode) -> LandmarkFrame {
        let (width, height) = (Float(width), Float(height))
        let side = fit == .crop ? min(width, height) : max(width, height)
        return LandmarkFrame(
            points: frame.points.map { point in
                LandmarkPoint(
                    x: 0.5 + (point.x - 0.5) * width / side, y: 0.5 + (point.y - 0.5) * height / side, visibility: point.visibility)
            })
    }
}
